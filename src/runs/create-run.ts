import { z } from 'zod'
import { Audio, File, Image, Video } from '../agents/log/media.js'
import { CONCURRENCY_MODES } from '../agents/runnable.js'
import { CallerChosenId, UserJsonObject } from '../core/schema.js'
import type { ComponentId } from './run-repository.js'
import { RunWebhook } from '../webhooks/webhook.js'

/** Fields of a run's creation that code and HTTP share. */
export const createRunFields = {
  /** Continues a session, or names a new one. Default: a new id. */
  sessionId: CallerChosenId(255).optional(),
  /** Attributes the run. */
  userId: CallerChosenId(255).optional(),
  /** Default: a new id. */
  runId: CallerChosenId(128).optional(),
  // Ids are made where a request gives none.
  images: z.array(Image.partial({ id: true })).optional(),
  audio: z.array(Audio.partial({ id: true })).optional(),
  videos: z.array(Video.partial({ id: true })).optional(),
  files: z.array(File).optional(),
  /** Merged over the session's state; these keys win. */
  sessionState: UserJsonObject.optional(),
  metadata: UserJsonObject.optional(),
  /** Of a workflow: given to every step. */
  additionalData: UserJsonObject.optional(),
  /** A JSON Schema that the answer must have. */
  outputSchema: UserJsonObject.optional(),
  /** Gives the schema to the model as it is. */
  useJsonSchema: z.boolean().optional(),
  addHistoryToContext: z.boolean().optional(),
  addDependenciesToContext: z.boolean().optional(),
  addSessionStateToContext: z.boolean().optional(),
  /** What to do when the session has a run going. Default: the agent's setting, else `queue`. */
  concurrency: z.enum(CONCURRENCY_MODES).optional(),
  /** In the background: not before this time (ISO 8601). */
  runAfter: z.iso.datetime({ offset: true }).optional(),
  /** In the background: higher first, -100 to 100. Default: 0. */
  priority: z.number().int().min(-100).max(100).optional(),
  /** Where the run's end, and each of its pauses, is posted to, signed. */
  webhook: RunWebhook.optional(),
}

/** What `runs.create()`, `runs.stream()` and `runs.start()` take. */
const createRun = z.object({
  /** What is run: exactly one of the three. */
  agentId: z.string().min(1).optional(),
  teamId: z.string().min(1).optional(),
  workflowId: z.string().min(1).optional(),
  /** What the user says: text, or the object or array that the agent's input schema asks for. */
  message: z.union([z.string().min(1), UserJsonObject, z.array(z.unknown())], {
    error: 'must be a text that is not empty, an object or a list',
  }),
  ...createRunFields,
  /** Values for tools and prompts; these keys win over the agent's. A run in the background needs them to be JSON. */
  dependencies: z.record(z.string(), z.unknown()).optional(),
  knowledgeFilters: z.unknown().optional(),
  /** A second request with the same key is answered by the first one's run. */
  idempotencyKey: z.string().min(1).max(255).optional(),
})

export const CreateRun = createRun.refine(
  ({ agentId, teamId, workflowId }) => count(agentId, teamId, workflowId) === 1,
  {
    error: 'must name what is to be run by exactly one of agentId, teamId and workflowId',
    path: ['agentId'],
  },
)

function count(...ids: readonly (string | undefined)[]): number {
  return ids.filter((id) => id !== undefined).length
}

/** Which component a request names. */
export function namedIn(request: { agentId?: string; teamId?: string; workflowId?: string }): ComponentId {
  const { agentId, teamId, workflowId = '' } = request
  if (agentId !== undefined) return { kind: 'agent', id: agentId }
  return teamId === undefined ? { kind: 'workflow', id: workflowId } : { kind: 'team', id: teamId }
}

type Named = { agentId: string } | { teamId: string } | { workflowId: string }

/** What a run is created with: one of `agentId`, `teamId` and `workflowId` names what is run. `signal` stands for the client: when it aborts, the client is gone. */
export type CreateRun = Omit<z.input<typeof createRun>, 'agentId' | 'teamId' | 'workflowId'> &
  Named & {
    signal?: AbortSignal
    /** For a stream whose key repeats an earlier request: index of the last event that the client knows. */
    lastEventIndex?: number
  }
