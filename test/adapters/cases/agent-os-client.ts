import type { ServedAgentOS } from '../agent-os-conformance.js'

export const json = { 'content-type': 'application/json' }

/** An object of the API. */
export type Body = Record<string, unknown>

/** The URL of a path below the mount. */
export function at(served: ServedAgentOS, path: string): string {
  return served.base + path
}

/** The URL of the agent's runs. */
export function runsAt(served: ServedAgentOS): string {
  return at(served, `/agents/${served.agentId}/runs`)
}

export function postJson(url: string, body: unknown, more: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body), ...more })
}

export interface SentEvent {
  /** Absent for a frame that says where a stream stands. */
  id?: number
  event: string
  data: Body
}

/** The frames of a stream that has ended. */
export function framesOf(text: string): SentEvent[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.startsWith(':'))
    .map((frame) => {
      const [, event = '', id, data = ''] = /^event: (.*)\n(?:id: (\d+)\n)?data: (.*)$/.exec(frame) ?? []
      return { event, ...(id !== undefined && { id: Number(id) }), data: JSON.parse(data) as Body }
    })
}
