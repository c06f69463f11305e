import { z } from 'zod'
import { CheckpointList, CheckpointSnapshot } from '../runs/checkpoints.js'
import { queryInt } from './query.js'
import { checkpointListExample, checkpointSnapshotExample } from './run-examples.js'
import { checkRun, runParams, runScope } from './run-path.js'
import { route } from './services.js'

const query = z.object({ sessionId: z.string().max(255).optional() })

const listCheckpoints = route({
  method: 'get',
  path: '/agents/{agent_id}/runs/{run_id}/checkpoints',
  operationId: 'list_agent_run_checkpoints',
  summary: 'List the points from which a run can be continued',
  tags: ['Runs'],
  scope: runScope,
  params: runParams,
  query,
  response: { 200: CheckpointList },
  errors: { 404: ['AGENT_NOT_FOUND', 'RUN_NOT_FOUND'], 503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'] },
  examples: { response: checkpointListExample },
  handler: async ({ os, params, query }) => {
    await checkRun(os, params, query)
    return os.runs.checkpoints(params.runId)
  },
})

const getCheckpoint = route({
  method: 'get',
  path: '/agents/{agent_id}/runs/{run_id}/checkpoints/{message_index}',
  operationId: 'get_agent_run_checkpoint',
  summary: 'Get a run as it was at a checkpoint',
  description:
    'A boundary inside a tool exchange moves down to before it; `checkpoint.message_index` says where it is.',
  tags: ['Runs'],
  scope: runScope,
  // What is out of range is for the run to say: it has a code of its own.
  params: runParams.extend({
    messageIndex: queryInt(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).meta({ examples: ['2'] }),
  }),
  query,
  response: { 200: CheckpointSnapshot },
  errors: {
    404: ['AGENT_NOT_FOUND', 'RUN_NOT_FOUND'],
    422: ['CHECKPOINT_OUT_OF_RANGE'],
    503: ['DATABASE_UNAVAILABLE', 'SHUTTING_DOWN'],
  },
  examples: { response: checkpointSnapshotExample },
  handler: async ({ os, params, query }) => {
    await checkRun(os, params, query)
    return os.runs.checkpoint(params.runId, params.messageIndex)
  },
})

export const checkpointRoutes = [listCheckpoints, getCheckpoint]
