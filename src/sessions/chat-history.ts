import type { Message } from '../agents/log/message.js'
import type { Run } from '../agents/log/run-record.js'
import type { Caller } from '../core/caller.js'
import type { SessionRuns } from './session-runs.js'

/** Runs are read in slices: how many it takes is known only when their messages have been counted. */
const RUNS_AT_ONCE = 50

/** The newest messages of a session, oldest first: what its user and its component have said to each other. */
export async function chatHistory(
  runs: SessionRuns,
  caller: Caller,
  sessionId: string,
  limit: number,
): Promise<Message[]> {
  const slices: Message[][] = []
  let count = 0
  let cursor: string | undefined
  while (count < limit) {
    const slice = await runs.list(caller, { sessionId, topLevelOnly: true, limit: RUNS_AT_ONCE, cursor })
    const said = slice.data.flatMap(messagesOf)
    slices.unshift(said)
    count += said.length
    cursor = slice.nextCursor
    if (cursor === undefined) break
  }
  return slices.flat().slice(Math.max(0, count - limit))
}

/** What a later answer has superseded was not said any more. */
function messagesOf(run: Run): Message[] {
  if (run.status === 'regenerated') return []
  return (run.messages ?? []).filter(({ role, fromHistory }) => role !== 'system' && role !== 'tool' && !fromHistory)
}
