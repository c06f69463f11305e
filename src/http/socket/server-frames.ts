import { z } from 'zod'
import { RunStatus } from '../../agents/log/run-record.js'
import type { JsonObject } from '../../core/json.js'
import { UserJsonObject } from '../../core/schema.js'
import { encoder } from '../encode.js'
import type { ErrorBody } from '../error-response.js'

const id = z.union([z.string(), z.number()]).optional()
const said = { error: z.string() }

/** What the server says beside the events of runs, told apart by `event`. */
const ServerFrame = z.discriminatedUnion('event', [
  z.object({ event: z.literal('connected'), message: z.string(), requiresAuth: z.boolean() }),
  z.object({ event: z.literal('authenticated'), id, message: z.string(), userId: z.string().optional() }),
  z.object({
    event: z.literal('auth_error'),
    id,
    ...said,
    errorType: z.enum(['expired', 'invalid_token', 'server_error']),
    errorCode: z.string(),
  }),
  z.object({ event: z.literal('auth_required'), id, ...said }),
  z.object({ event: z.literal('pong'), id }),
  z.object({ event: z.literal('cancel_requested'), id, runId: z.string(), status: RunStatus }),
  z.object({
    event: z.literal('error'),
    id,
    ...said,
    errorCode: z.string(),
    /** Under which the log has it. */
    errorId: z.string(),
    /** Of the run whose events can't be shown any further. */
    runId: z.string().optional(),
    additionalData: UserJsonObject.optional(),
  }),
])
export type ServerFrame = z.output<typeof ServerFrame>
export type ServerFrameOf<Event extends ServerFrame['event']> = Extract<ServerFrame, { event: Event }>

const encode = encoder(ServerFrame)

export function serverFrame(frame: ServerFrame): string {
  return JSON.stringify(encode(frame))
}

/** What answers a request with an error, as a frame. */
export function errorFrame({
  detail,
  error_code: errorCode,
  request_id: errorId,
  ...more
}: ErrorBody): ServerFrameOf<'error'> {
  const additionalData = Object.keys(more).length > 0 ? { additionalData: { ...more } as JsonObject } : {}
  return { event: 'error', error: detail, errorCode, errorId, ...additionalData }
}
