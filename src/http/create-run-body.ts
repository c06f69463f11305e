import { z } from 'zod'
import { createRunFields } from '../runs/create-run.js'
import type { CreateRun } from '../runs/create-run.js'
import type { ComponentId } from '../runs/run-repository.js'
import { UserJsonObject } from '../core/schema.js'
import { jsonField } from './body-fields.js'
import type { UploadedFile } from './body-fields.js'
import { queryTime } from './query.js'
import { sortUploads } from './uploads.js'

const {
  files,
  images,
  audio,
  videos,
  sessionState,
  metadata,
  additionalData,
  outputSchema,
  webhook,
  runAfter: _iso,
  ...plainFields
} = createRunFields

/** The body that starts a run: JSON, urlencoded or multipart. */
export const createRunBody = z.object({
  message: z
    .union([z.string().min(1), UserJsonObject, z.array(z.unknown())], { error: 'must be a text, an object or a list' })
    .meta({
      description: 'What the user says. With an input schema: an object, or its JSON text.',
      examples: ['Where is order 7?'],
    }),
  stream: z.boolean().default(false).meta({ description: 'Answer with server-sent events.' }),
  background: z.boolean().default(false).meta({ description: 'Go on whether or not the client stays.' }),
  /** False leaves only what was said, and how the run ends. */
  streamEvents: z.boolean().default(true),
  ...plainFields,
  runAfter: queryTime().optional(),
  images: jsonField(images),
  audio: jsonField(audio),
  videos: jsonField(videos),
  /** Documents; `files` in a multipart body are uploads. */
  inputFiles: jsonField(files),
  files: jsonField(files),
  sessionState: jsonField(sessionState),
  dependencies: jsonField(UserJsonObject.optional()).meta({ description: 'Values for tools and prompts.' }),
  metadata: jsonField(metadata),
  additionalData: jsonField(additionalData).meta({ description: 'Of a workflow: given to every step.' }),
  knowledgeFilters: jsonField(z.union([UserJsonObject, z.array(z.unknown())]).optional()),
  outputSchema: jsonField(outputSchema),
  webhook: jsonField(webhook),
})
export type CreateRunBody = z.output<typeof createRunBody>

/** What `runs` is asked for, from a request. */
export function toCreateRun(
  { kind, id }: ComponentId,
  body: CreateRunBody,
  uploads: readonly UploadedFile[],
  headers: Headers,
): CreateRun {
  const { stream: _stream, background: _background, streamEvents: _events, inputFiles, ...fields } = body
  const sorted = sortUploads(uploads)
  const documents = [...(body.files ?? []), ...(inputFiles ?? []), ...(sorted.files ?? [])]
  const key = headers.get('idempotency-key')
  return {
    ...(kind === 'agent' ? { agentId: id } : kind === 'team' ? { teamId: id } : { workflowId: id }),
    ...fields,
    images: [...(body.images ?? []), ...(sorted.images ?? [])],
    audio: [...(body.audio ?? []), ...(sorted.audio ?? [])],
    videos: [...(body.videos ?? []), ...(sorted.videos ?? [])],
    files: documents,
    ...(key !== null && { idempotencyKey: key, lastEventIndex: lastEventIndex(headers) }),
  }
}

function lastEventIndex(headers: Headers): number | undefined {
  const given = headers.get('last-event-id')
  return given !== null && /^\d{1,15}$/.test(given) ? Number(given) : undefined
}
