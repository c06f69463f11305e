import type { File } from '../agents/log/media.js'
import type { ContinueRun } from '../runs/continue-run.js'
import type { CreateRun } from '../runs/create-run.js'
import { randomHex } from './random-hex.js'
import type { Call } from './transport.js'

/** Which component a run belongs to. */
export interface RunPlace {
  agentId: string
  /** Makes sure that the run is one of this session. */
  sessionId?: string
}

/** What starts a run: the same as `agentOS.runs.create()` takes, and files to upload. */
export interface CreateRunRequest extends Omit<CreateRun, 'files' | 'idempotencyKey' | 'lastEventIndex' | 'signal'> {
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

export interface StreamRunRequest extends CreateRunRequest {
  /** False leaves only what was said, and how the run ends. */
  streamEvents?: boolean
}

/** What moves a run on: the same as `agentOS.runs.continue()` takes. */
export interface ContinueRunRequest extends RunPlace, Omit<ContinueRun, 'signal'> {
  /** Whose run it is: that of another user is not found. */
  userId?: string
  /** Ends the request or the stream. What does not work in the background is cancelled by the server then. */
  signal?: AbortSignal
}

export interface StreamContinueRequest extends ContinueRunRequest {
  /** False leaves only what was said, and how the leg ends. */
  streamEvents?: boolean
}

/** A run that is to be asked for, in such a way that it can be asked for again. */
export interface PreparedRequest {
  agentId: string
  /** Chosen here only where the run may have to be cancelled before the server has named it. */
  runId?: string
  isRepeatable: boolean
  /** The key is not the caller's, so there was no such request before. */
  isNew: boolean
  call: Call<'create_agent_run'>
}

export function prepareRun(
  request: StreamRunRequest,
  mode: { stream?: boolean; background?: boolean },
): PreparedRequest {
  const { agentId, files = [], idempotencyKey, signal, cancelOnAbort, ...fields } = request
  const runId = fields.runId ?? (cancelOnAbort ? newRunId() : undefined)
  const key = idempotencyKey === null ? undefined : (idempotencyKey ?? randomHex(16))
  const documents = files.filter((file) => !(file instanceof Blob))
  return {
    agentId,
    runId,
    isRepeatable: key !== undefined,
    isNew: idempotencyKey === undefined || idempotencyKey === null,
    call: {
      params: { agentId },
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
  { agentId, signal, ...fields }: StreamContinueRequest,
  mode: { stream?: boolean; background?: boolean },
): Call<'continue_agent_run'> {
  return { params: { agentId, runId }, body: { ...fields, ...mode }, signal }
}

/** In the order of time, as the server's own: a UUIDv7. */
function newRunId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = randomHex(10)
  const variant = '89ab'[Number.parseInt(random[3]!, 16) % 4]!
  return `run_${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(8)}`
}
