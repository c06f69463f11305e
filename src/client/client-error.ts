import type { ValidationIssue } from '../core/errors.js'

export interface ClientErrorFacts {
  status: number
  code: string
  detail: string
  requestId?: string
  issues?: readonly ValidationIssue[]
  retryAfter?: number
  body?: unknown
}

/**
 * A request that came to nothing: the server refused it, or could not be reached. Errors of a run itself are no such
 * errors, they are part of the run.
 *
 * @example
 * ```ts
 * try {
 *   await client.runs.create({ agentId: 'support', message })
 * } catch (error) {
 *   if (error instanceof AgentOSClientError && error.code === 'SESSION_BUSY') return later()
 *   throw error
 * }
 * ```
 */
export class AgentOSClientError extends Error {
  override readonly name = 'AgentOSClientError'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /**
   * For programs: what the server says (`AGENT_NOT_FOUND`), else `CONNECTION_FAILED`, `UNEXPECTED_RESPONSE` for an answer
   * that is none of an AgentOS, or `HTTP_502` and the like for what something in between said.
   */
  readonly code: string
  /** For people; the same as `message`. */
  readonly detail: string
  /** Under which the server's log has it. */
  readonly requestId?: string
  /** What is wrong with the input, on 422. Paths are spelled as on the wire. */
  readonly issues: readonly ValidationIssue[]
  /** Seconds after which to come again, where the server says so. */
  readonly retryAfter?: number
  /** The whole answer, for what some codes add to it. */
  readonly body?: unknown

  constructor(facts: ClientErrorFacts, options?: ErrorOptions) {
    super(facts.detail, options)
    this.status = facts.status
    this.code = facts.code
    this.detail = facts.detail
    this.requestId = facts.requestId
    this.issues = facts.issues ?? []
    this.retryAfter = facts.retryAfter
    this.body = facts.body
  }
}

/** No answer, or one that broke off. */
export function connectionFailed(cause: unknown): AgentOSClientError {
  if (cause instanceof AgentOSClientError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new AgentOSClientError({ status: 0, code: 'CONNECTION_FAILED', detail: `No answer: ${why}` }, { cause })
}

/** An answer that no AgentOS gives, such as a page of a proxy. */
export function unexpectedResponse({ status, headers }: Response, wanted: string, cause?: unknown): AgentOSClientError {
  const type = headers.get('content-type') ?? 'nothing'
  const detail = `The answer is ${type} where ${wanted} was to come. Does baseUrl lead to an AgentOS?`
  return new AgentOSClientError({ status, code: 'UNEXPECTED_RESPONSE', detail }, { cause })
}

/** What a response with a status of 400 and more says. */
export async function refusalOf(response: Response): Promise<AgentOSClientError> {
  const { status, headers } = response
  const text = await response.text()
  const body = parsed(text)
  const said = (typeof body === 'object' && body !== null ? body : {}) as {
    detail?: unknown
    error_code?: unknown
    request_id?: unknown
    errors?: readonly ValidationIssue[]
  }
  return new AgentOSClientError({
    status,
    code: typeof said.error_code === 'string' ? said.error_code : `HTTP_${status}`,
    detail:
      typeof said.detail === 'string' ? said.detail : `The server answered ${status} ${response.statusText}`.trim(),
    requestId: typeof said.request_id === 'string' ? said.request_id : (headers.get('x-request-id') ?? undefined),
    issues: Array.isArray(said.errors) ? said.errors : [],
    retryAfter: secondsOf(headers.get('retry-after')),
    body: body ?? text,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** `Retry-After` is a number of seconds or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
