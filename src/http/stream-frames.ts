import { z } from 'zod'
import { AgentEvent } from '../agents/log/events.js'
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

/** What a stream of a run may hold. */
export const RunFrame = z.union([AgentEvent, failed]).meta({ id: 'RunFrame' })

/** What the stream of a run that is followed again may hold. */
export const ResumedFrame = z.union([AgentEvent, catchUp, subscribed, replay, failed]).meta({ id: 'ResumedFrame' })
