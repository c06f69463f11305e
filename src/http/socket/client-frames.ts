import { z } from 'zod'
import { createRunBody } from '../create-run-body.js'
import { textToNumber } from '../query.js'
import { continueWorkflowBody } from '../workflow-runs.js'

/** Told again in what answers the frame. */
const id = z.union([z.string().max(255), z.number()]).optional()
const sessionId = z.string().max(255).optional()
/** How the events of the run are written: as JSON, or as text of server-sent events. */
const framing = z.enum(['json', 'sse']).default('json')

/** What a client sends, told apart by `action`. */
export const ClientFrame = z.discriminatedUnion('action', [
  z.object({ action: z.literal('authenticate'), id, token: z.string().min(1) }),
  z.object({ action: z.literal('ping'), id }),
  createRunBody.omit({ stream: true, background: true, files: true }).extend({
    action: z.literal('start-workflow'),
    id,
    workflowId: z.string(),
    framing,
  }),
  continueWorkflowBody.omit({ stream: true, background: true }).extend({
    action: z.literal('continue-workflow'),
    id,
    workflowId: z.string(),
    runId: z.string(),
    framing,
  }),
  z.object({
    action: z.literal('reconnect'),
    id,
    runId: z.string(),
    workflowId: z.string().optional(),
    sessionId,
    /** Index of the last event that is known; -1, like none, for all. */
    lastEventIndex: z.preprocess(textToNumber, z.number().int().min(-1).max(1e12)).optional(),
  }),
  z.object({ action: z.literal('cancel-workflow'), id, runId: z.string(), workflowId: z.string(), sessionId }),
])
export type ClientFrame = z.output<typeof ClientFrame>
export type ClientFrameOf<Action extends ClientFrame['action']> = Extract<ClientFrame, { action: Action }>
