import { z } from 'zod'
import { AgentCheckpointSnapshot, CheckpointList, TeamCheckpointSnapshot } from '../runs/checkpoints.js'
import { servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { queryInt } from './query.js'
import { checkpointListExample, checkpointSnapshotExamples } from './run-examples.js'
import { checkRun, runParams, runScope } from './run-path.js'
import { route } from './services.js'

const query = z.object({ sessionId: z.string().max(255).optional() })

function checkpointRoutesOf(served: ServedKind & { kind: 'agent' | 'team' }) {
  const { kind, plural, inPath, notFound } = served
  const snapshot = kind === 'agent' ? AgentCheckpointSnapshot : TeamCheckpointSnapshot
  const listCheckpoints = route({
    method: 'get',
    path: `/${plural}/${inPath}/runs/{run_id}/checkpoints`,
    operationId: `list_${kind}_run_checkpoints`,
    summary: 'List the points from which a run can be continued',
    tags: ['Runs'],
    scope: runScope(served),
    params: runParams(served),
    query,
    response: { 200: CheckpointList },
    errors: { 404: [notFound, 'RUN_NOT_FOUND'], 503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'] },
    examples: { response: checkpointListExample },
    handler: async ({ os, params, query }) => {
      return os.runs.checkpoints(await checkRun(os, served, params, query))
    },
  })

  const getCheckpoint = route({
    method: 'get',
    path: `/${plural}/${inPath}/runs/{run_id}/checkpoints/{message_index}`,
    operationId: `get_${kind}_run_checkpoint`,
    summary: 'Get a run as it was at a checkpoint',
    description:
      'A boundary inside a tool exchange moves down to before it; `checkpoint.message_index` says where it is.',
    tags: ['Runs'],
    scope: runScope(served),
    // What is out of range is for the run to say: it has a code of its own.
    params: runParams(served).extend({
      messageIndex: queryInt(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).meta({ examples: ['2'] }),
    }),
    query,
    response: { 200: snapshot },
    errors: {
      404: [notFound, 'RUN_NOT_FOUND'],
      422: ['CHECKPOINT_OUT_OF_RANGE'],
      503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
    },
    examples: { response: checkpointSnapshotExamples[kind] },
    handler: async ({ os, params, query }) => {
      return os.runs.checkpoint(await checkRun(os, served, params, query), params.messageIndex)
    },
  })

  return [listCheckpoints, getCheckpoint]
}

export const checkpointRoutes = [servedKinds.agent, servedKinds.team].flatMap(checkpointRoutesOf)
