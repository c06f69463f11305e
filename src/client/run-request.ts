import type { File } from '../agents/log/media.js'
import type { ComponentKind } from '../agents/log/source.js'
import type { ContinueRun } from '../runs/continue-run.js'
import type { CreateRun } from '../runs/create-run.js'
import { randomHex } from './random-hex.js'
import { operationOf, placeOf } from './place.js'
import type { AnyCall, Named } from './place.js'
import type { OperationName } from './transport.js'

/** Which component a run belongs to. */
export type RunPlace = Named & {
  /** Makes sure that the run is one of this session. */
  sessionId?: string
}

type Ids = { agentId: unknown; teamId: unknown; workflowId: unknown }

/** What starts a run: the same as `agentOS.runs.create()` takes, and files to upload. */
export type CreateRunRequest = Named & CreateRunFields

interface CreateRunFields extends Omit<
  CreateRun,
  'files' | 'idempotencyKey' | 'lastEventIndex' | 'signal' | keyof Ids
> {
  /** Documents by URL or content; and uploads, which may also be images, audio or videos. */
  files?: readonly (File | Blob)[]
  /**
   * Makes the request safe to be sent again. Default: a new one for each call. `null` sends none: then nothing is sent
   * again, and the server cancels a plain run when this client goes away.
   */
  idempotencyKey?: string | null
  /** Ends the request or the stream. The run goes on, unless `cancelOnAbort` says otherwise. */
  signal?: AbortSignal
  /** Cancels the run when `signal` aborts. */
  cancelOnAbort?: boolean
}

export type StreamRunRequest = CreateRunRequest & {
  /** False leaves only what was said, and how the run ends. */
  streamEvents?: boolean
}

/** What moves a run on: the same as `agentOS.runs.continue()` takes. */
export type ContinueRunRequest = RunPlace &
  Omit<ContinueRun, 'signal'> & {
    /** Whose run it is: that of another user is not found. */
    userId?: string
    /** Ends the request or the stream. What does not work in the background is cancelled by the server then. */
    signal?: AbortSignal
  }

export type StreamContinueRequest = ContinueRunRequest & {
  /** False leaves only what was said, and how the leg ends. */
  streamEvents?: boolean
}

/** A run that is to be asked for, in such a way that it can be asked for again. */
export interface PreparedRequest {
  kind: ComponentKind
  params: Readonly<Record<string, string>>
  /** Chosen here only where the run may have to be cancelled before the server has named it. */
  runId?: string
  isRepeatable: boolean
  /** The key is not the caller's, so there was no such request before. */
  isNew: boolean
  call: AnyCall
}

export function prepareRun(
  request: StreamRunRequest,
  mode: { stream?: boolean; background?: boolean },
): PreparedRequest {
  const { kind, params, rest } = placeOf(request)
  const { files = [], idempotencyKey, signal, cancelOnAbort, ...fields } = rest
  const runId = fields.runId ?? (cancelOnAbort ? newRunId() : undefined)
  const key = idempotencyKey === null ? undefined : (idempotencyKey ?? randomHex(16))
  const documents = files.filter((file) => !(file instanceof Blob))
  return {
    kind,
    params,
    runId,
    isRepeatable: key !== undefined,
    isNew: idempotencyKey === undefined || idempotencyKey === null,
    call: {
      params: params as never,
      body: { ...fields, ...mode, runId, ...(documents.length > 0 && { inputFiles: documents }) },
      files: files.filter((file) => file instanceof Blob),
      headers: { 'idempotency-key': key },
      isRepeatable: key !== undefined,
      signal,
    },
  }
}

/** The request that moves a run on. It has no key, so it is sent once. */
export function prepareContinue(
  runId: string,
  request: StreamContinueRequest,
  mode: { stream?: boolean; background?: boolean },
): { operation: OperationName; call: AnyCall } {
  const { kind, params, rest } = placeOf(request)
  const { signal, ...fields } = rest
  return {
    operation: operationOf('continue', kind, 'run'),
    call: { params: { ...params, runId } as never, body: { ...fields, ...mode }, signal },
  }
}

/** In the order of time, as the server's own: a UUIDv7. */
function newRunId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomHex(10)
  const variant = '89ab'[Number.parseInt(random[3]!, 16) % 4]!
  return `run_${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(8)}`
}
