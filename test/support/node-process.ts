/** A server process of its own on a database that others use too. It does what its parent asks for, over IPC. */
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { ResolveApproval, RunEvent } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { resolveAll } from './resolve-all.ts'

const [database, settings] = process.argv.slice(2) as [string, string]
const pays: string[] = []
const agentOS = new AgentOS({
  storage: database.startsWith('postgres') ? postgres(database) : sqlite(database),
  agents: [
    new Agent({
      id: 'my-agent',
      model: scripted(({ messages }) => {
        return messages.at(-1)?.role === 'tool' ? 'Done.' : { toolCalls: [{ name: 'pay' }] }
      }),
      tools: [
        tool({
          name: 'pay',
          approval: 'required',
          execute: (_args, { runId }) => {
            pays.push(runId)
            return 'paid'
          },
        }),
      ],
    }),
  ],
  logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error },
  runs: JSON.parse(settings) as object,
})
const readers = new Map<string, AbortController>()

/** What a parent can ask for; answers go back by the name of the question. */
const answers = {
  /** Tells each event of a run as it comes. */
  async follow(runId: string): Promise<string> {
    const reader = new AbortController()
    readers.set(runId, reader)
    const stream = await agentOS.runs.resume(runId, { signal: reader.signal })
    void (async () => {
      for await (const { event, eventIndex } of stream) tell('event', { event, eventIndex, at: Date.now() })
      tell('left', runId)
    })()
    return runId
  },
  leave(runId: string): void {
    readers.get(runId)?.abort()
  },
  cancel: (runId: string) => agentOS.runs.cancel(runId),
  /** What became of each of several resolutions at once, as `resolveAll` tells it. */
  resolve: ({ id, resolutions }: { id: string; resolutions: ResolveApproval[] }) =>
    resolveAll(agentOS, id, resolutions),
  continue: (runId: string) => agentOS.runs.continue(runId).then(({ status }) => status, String),
  pays: () => pays,
}
export type Answers = typeof answers
export interface FollowedEvent {
  event: RunEvent['event']
  eventIndex: number
  at: number
}

function tell(what: string, value: unknown): void {
  process.send?.({ what, value })
}

process.on('message', ({ what, value }: { what: keyof Answers; value: never }) => {
  void Promise.resolve(answers[what](value)).then((answer) => tell(what, answer))
})
process.on('disconnect', () => process.exit())
tell('ready', process.pid)
