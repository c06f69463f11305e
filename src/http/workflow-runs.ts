import { z } from 'zod'
import { visibleUserId } from '../core/principal.js'
import { UserJsonObject } from '../core/schema.js'
import { SendEvent } from '../runs/send-event.js'
import { ErrorDecision, StepDecision } from '../runs/step-decisions.js'
import { jsonField } from './body-fields.js'
import { servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { reply } from './reply.js'
import { runExamples } from './run-examples.js'
import { checkRun, RunAccepted, runHeaders, runParams, runScope } from './run-path.js'
import { runStreamReply } from './run-stream-reply.js'
import { route } from './services.js'

const served: ServedKind = servedKinds.workflow

/** The body that moves a paused workflow on. */
export const continueWorkflowBody = z.object({
  /** Decisions about the steps that the run waits at, found by `step_id`; other fields are not taken. */
  stepRequirements: jsonField(z.array(StepDecision).optional()),
  /** What to do about steps that have failed. */
  errorRequirements: jsonField(z.array(ErrorDecision).optional()),
  stream: z.boolean().default(false),
  background: z.boolean().default(false),
  streamEvents: z.boolean().default(true),
  sessionId: z.string().max(255).optional(),
  userId: z.string().max(255).optional().meta({
    description: 'Whose run it is. Callers that see their own rows only may leave it out, and may not name another.',
  }),
  dependencies: jsonField(UserJsonObject.optional()),
  metadata: jsonField(UserJsonObject.optional()),
})

const continueWorkflowRun = route({
  method: 'post',
  path: '/workflows/{workflow_id}/runs/{run_id}/continue',
  operationId: 'continue_workflow_run',
  summary: 'Continue a paused workflow',
  description:
    'Takes a decision about each step that the run waits at: `confirmed`, `user_input`, `selected_choices`, ' +
    '`edited_output`, or `executor_requirements`. A call that leaves one undecided changes nothing.',
  tags: ['Runs'],
  scope: runScope(served),
  params: runParams(served),
  body: continueWorkflowBody,
  form: true,
  stream: served.frame,
  startsRun: true,
  response: { 200: served.run, 202: RunAccepted },
  errors: {
    403: ['APPROVAL_PENDING', 'USER_MISMATCH', 'RESERVED_PRINCIPAL'],
    404: ['WORKFLOW_NOT_FOUND', 'RUN_NOT_FOUND'],
    409: ['RUN_ALREADY_RUNNING', 'RUN_NOT_CONTINUABLE', 'RUN_REQUIREMENTS_UNRESOLVED', 'APPROVAL_ALREADY_RESOLVED'],
    422: ['INVALID_STEP_REQUIREMENT', 'UNKNOWN_TOOL_CALL', 'INVALID_TOOL_ARGS'],
    501: ['APPROVALS_NOT_CONFIGURED'],
    503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
  },
  examples: {
    request: { step_requirements: [{ step_id: 'approve', confirmed: true }] },
    response: runExamples.workflow.run,
  },
  handler: async ({ os, caller, params, body, signal, requestId }) => {
    const { stream, background, streamEvents, sessionId, userId, ...input } = body
    visibleUserId(caller, userId)
    const runId = await checkRun(os, served, params, { sessionId, userId })
    if (stream) {
      const events = background
        ? await os.runs.continueStreamInBackground(runId, input)
        : await os.runs.continueStream(runId, input)
      const { compatibility, logger } = os.server
      return runStreamReply(events, { allEvents: streamEvents, compatibility, requestId, logger })
    }
    if (background) {
      const started = await os.runs.continueInBackground(runId, input)
      return reply(202, started, { headers: runHeaders(started) })
    }
    const run = await os.runs.continue(runId, { ...input, signal })
    return reply(200, run, { headers: runHeaders(run) })
  },
})

const sendEvent = route({
  method: 'post',
  path: '/workflows/{workflow_id}/runs/{run_id}/events',
  operationId: 'send_workflow_event',
  summary: 'Send an event to a workflow',
  description:
    'For the step that waits for an event of this name, now or later. It is stored before the answer; a repeated `id` ' +
    'counts once.',
  tags: ['Runs'],
  scope: runScope(served),
  params: runParams(served),
  body: SendEvent,
  response: { 202: z.object({ accepted: z.literal(true) }) },
  errors: {
    404: ['WORKFLOW_NOT_FOUND', 'RUN_NOT_FOUND'],
    409: ['RUN_ENDED'],
    503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
  },
  examples: { request: { name: 'paid', payload: { amount: 12 }, id: 'payment-7' }, response: { accepted: true } },
  handler: async ({ os, params, body: { name, payload, id } }) => {
    const runId = await checkRun(os, served, params)
    await os.runs.sendEvent(runId, name, payload, id === undefined ? {} : { id })
    return reply(202, { accepted: true } as const)
  },
})

export const workflowRunRoutes = [continueWorkflowRun, sendEvent]
