import { z } from 'zod'
import { visibleUserId } from '../core/principal.js'
import { UserJsonObject } from '../core/schema.js'
import { continueFields, ContinueFrom } from '../runs/continue-run.js'
import { RequirementDecision, ToolDecision } from '../runs/decisions.js'
import { jsonField } from './body-fields.js'
import { servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { textToNumber } from './query.js'
import { reply } from './reply.js'
import { continueExample, runExamples } from './run-examples.js'
import { checkRun, RunAccepted, runHeaders, runParams, runScope } from './run-path.js'
import { runStreamReply } from './run-stream-reply.js'
import { route } from './services.js'

const continueBody = z.object({
  /** Decisions about paused tool calls, found by `tool_call_id`; other fields are not taken. */
  tools: jsonField(z.array(ToolDecision).optional()),
  /** The same, found by `id`. */
  requirements: jsonField(z.array(RequirementDecision).optional()),
  ...continueFields,
  continueFrom: z.preprocess(textToNumber, ContinueFrom).optional().meta({
    description: 'How much stays: "end" (the default), "last_user", or so many messages.',
  }),
  stream: z.boolean().default(false),
  background: z.boolean().default(false),
  streamEvents: z.boolean().default(true),
  sessionId: z.string().max(255).optional(),
  userId: z.string().max(255).optional().meta({
    description: 'Whose run it is. Callers that see their own rows only may leave it out, and may not name another.',
  }),
  dependencies: jsonField(UserJsonObject.optional()),
  metadata: jsonField(UserJsonObject.optional()),
  knowledgeFilters: jsonField(z.unknown().optional()),
})

function continueRoute(served: ServedKind) {
  const { kind, plural, inPath, notFound } = served
  return route({
    method: 'post',
    path: `/${plural}/${inPath}/runs/{run_id}/continue`,
    operationId: `continue_${kind}_run`,
    summary: 'Continue a run',
    description:
      'Takes a decision about each call that the run waits for: `confirmed`, also with `edited_args`; the values of ' +
      'fields; the `result` of a tool that the client executes. A call that leaves one undecided changes nothing. ' +
      'A paused or failed run goes on in place. A completed one, or any with `fork` or `regenerate`, stays as it is: a ' +
      'copy goes on, which `X-Run-Id` names.',
    tags: ['Runs'],
    scope: runScope(served),
    params: runParams(served),
    body: continueBody,
    form: true,
    stream: served.frame,
    startsRun: true,
    response: { 200: served.run, 202: RunAccepted },
    errors: {
      403: ['APPROVAL_PENDING', 'USER_MISMATCH', 'RESERVED_PRINCIPAL'],
      404: [notFound, 'RUN_NOT_FOUND'],
      409: ['RUN_ALREADY_RUNNING', 'RUN_NOT_CONTINUABLE', 'RUN_REQUIREMENTS_UNRESOLVED', 'APPROVAL_ALREADY_RESOLVED'],
      422: ['UNKNOWN_TOOL_CALL', 'INVALID_TOOL_ARGS', 'CONTINUE_INDEX_OUT_OF_RANGE', 'CONTINUE_PARAMS_CONFLICT'],
      501: ['APPROVALS_NOT_CONFIGURED'],
      503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
    },
    examples: { request: continueExample, response: runExamples[kind].run },
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
}

export const continueRoutes = [continueRoute(servedKinds.agent), continueRoute(servedKinds.team)]
