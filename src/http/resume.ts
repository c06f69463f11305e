import { z } from 'zod'
import { ValidationError } from '../core/errors.js'
import type { RunStream } from '../runs/run-stream.js'
import { isEndStatus } from '../agents/log/run-record.js'
import { servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { queryInt } from './query.js'
import { reply } from './reply.js'
import { resumeReply } from './resume-reply.js'
import { checkRun, runParams, runScope } from './run-path.js'
import { route } from './services.js'
import type { Services } from './services.js'

const tags = ['Runs']
const MAX_INDEX = 1e12

const lastEventIndex = queryInt(0, MAX_INDEX)
  .optional()
  .meta({ description: 'Index of the last event that is known. Absent: `Last-Event-ID`, else from the start.' })

function resumeRoutesOf(served: ServedKind) {
  const { kind, plural, inPath, notFound } = served
  const inCommon = {
    tags,
    scope: runScope(served),
    params: runParams(served),
    description:
      'The missed events, then live ones, to the end of the current leg; each once and in order. Frames without an id ' +
      'say where the stream stands: `catch_up`, `subscribed`, `replay`. Works while the run goes on, afterwards, and ' +
      'from any process.',
    stream: served.resumedFrame,
    errors: { 404: [notFound, 'RUN_NOT_FOUND'] },
  } as const

  const resumeRun = route({
    ...inCommon,
    method: 'post',
    path: `/${plural}/${inPath}/runs/{run_id}/resume`,
    operationId: `resume_${kind}_run`,
    summary: "Follow a run's events after a disconnect",
    body: z.object({ lastEventIndex, sessionId: z.string().max(255).optional() }),
    form: true,
    response: { 200: 'stream' },
    examples: { request: { last_event_index: 1 } },
    handler: async ({ os, params, body, headers, requestId }) => {
      return resumeReply(await resumed(os, served, params, body, headers), requestId, os.server.logger)
    },
  })

  const followRun = route({
    ...inCommon,
    method: 'get',
    path: `/${plural}/${inPath}/runs/{run_id}/resume`,
    operationId: `follow_${kind}_run`,
    summary: "Follow a run's events by EventSource",
    query: z.object({ lastEventIndex, sessionId: z.string().max(255).optional() }),
    response: { 200: 'stream', 204: null },
    handler: async ({ os, params, query, headers, requestId }) => {
      const stream = await resumed(os, served, params, query, headers)
      const { status, eventCount, after } = stream.resumed!
      // An EventSource connects again until it is told that there is nothing more.
      if (!isEndStatus(status) || after < eventCount - 1) return resumeReply(stream, requestId, os.server.logger)
      await stream.batches().return?.()
      return reply(204)
    },
  })

  return [resumeRun, followRun]
}

export const resumeRoutes = Object.values(servedKinds).flatMap(resumeRoutesOf)

async function resumed(
  os: Services,
  served: ServedKind,
  params: Readonly<Record<string, unknown>>,
  asked: { lastEventIndex?: number; sessionId?: string },
  headers: Headers,
): Promise<RunStream> {
  const runId = await checkRun(os, served, params, asked)
  return os.runs.resume(runId, { after: asked.lastEventIndex ?? lastEventId(headers) })
}

/** @throws ValidationError when the header is there and is no index. */
function lastEventId(headers: Headers): number | undefined {
  const given = headers.get('last-event-id')
  if (given === null || given === '') return undefined
  if (/^\d{1,12}$/.test(given)) return Number(given)
  const message = 'Must be the id of an event of this stream: a whole number'
  throw new ValidationError('VALIDATION_ERROR', `The request is not valid. Last-Event-ID: ${message}.`, [
    { path: 'Last-Event-ID', message },
  ])
}
