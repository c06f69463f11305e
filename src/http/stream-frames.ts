import { z } from 'zod'
import { AgentEvent, RunEvent } from '../agents/log/events.js'
import { RunStatus } from '../agents/log/run-record.js'

const frame = { runId: z.string(), status: RunStatus, message: z.string() }
const count = z.number().int()

/** Frames of a followed stream that are no events of its run: they say where the follower stands. */
const catchUp = z
  .object({ event: z.literal('catch_up'), ...frame, missedEvents: count, currentEventCount: count })
  .meta({ id: 'CatchUpFrame' })
const subscribed = z
  .object({ event: z.literal('subscribed'), ...frame, currentEventCount: count })
  .meta({ id: 'SubscribedFrame' })
const replay = z
  .object({
    event: z.literal('replay'),
    ...frame,
    totalEvents: count,
    totalBuffered: count,
    lastEventIndexRequested: count,
  })
  .meta({ id: 'ReplayFrame' })
/** A stream that can't go on, which says nothing of its run. */
const failed = z
  .object({ event: z.literal('error'), error: z.string(), errorCode: z.string() })
  .meta({ id: 'StreamErrorFrame' })

/** What a stream of an agent's run may hold. */
export const AgentFrame = z.union([AgentEvent, failed]).meta({ id: 'AgentFrame' })
/** What the stream of an agent's run that is followed again may hold. */
export const ResumedAgentFrame = z
  .union([AgentEvent, catchUp, subscribed, replay, failed])
  .meta({ id: 'ResumedAgentFrame' })

/** What a stream of a run of any kind may hold, with the events of runs inside of it. */
export const RunFrame = z.union([RunEvent, failed]).meta({ id: 'RunFrame' })
export const ResumedFrame = z.union([RunEvent, catchUp, subscribed, replay, failed]).meta({ id: 'ResumedFrame' })
