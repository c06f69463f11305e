import { systemClock, toIso } from '../core/clock.js'
import type { Clock } from '../core/clock.js'
import { fullCaller } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import { newId } from '../core/ids.js'
import type { JsonObject, JsonValue } from '../core/json.js'
import { consoleLogger } from '../core/logger.js'
import { redactingLogger } from '../core/redact.js'
import type { Logger } from '../core/logger.js'
import { drive } from './drive.js'
import type { RunEvent } from './log/events.js'
import { RunFold } from './log/fold.js'
import { runOf } from './log/run-of.js'
import type { AgentRun, RunInput, TeamRun, WorkflowRun } from './log/run-record.js'
import type { RunContext, Runnable, RunOptions } from './runnable.js'
import { deepMerge, SessionState } from './session-state.js'
import { withIds } from './tool-result.js'
import type { GivenMedia } from './tool-result.js'

/** What a run of a bare agent can be given beside its input. */
export interface AgentRunOptions extends RunOptions, GivenMedia {
  /** Default: a new id. */
  runId?: string
  /** Default: a new id. There is no storage, so nothing of an earlier run is known. */
  sessionId?: string
  userId?: string
  /** Who acts. Default: the program itself. */
  caller?: Caller
  /** Cancels the run. */
  signal?: AbortSignal
  /** Default: warnings and errors, as JSON lines on standard error. */
  logger?: Logger
  /** Default: the system's. */
  clock?: Clock
}

/** The record of a run. What a completed one has said is of the agent's own type. */
export type AgentRunOf<Content> = Omit<AgentRun, 'content' | 'status'> &
  (
    | { status: 'completed'; content: Content }
    /** Of a text answer, `content` is what was said so far. */
    | { status: Exclude<AgentRun['status'], 'completed'>; content?: Content }
  )

/** The record of a team's run, as {@link AgentRunOf}. */
export type TeamRunOf<Content> =
  AgentRunOf<Content> extends infer Record
    ? Record extends unknown
      ? Omit<Record, 'agentId' | 'agentName'> & Pick<TeamRun, 'teamId' | 'teamName' | 'memberResponses'>
      : never
    : never

/** The record of a workflow's run, as {@link AgentRunOf}. */
export type WorkflowRunOf<Content> = Omit<WorkflowRun, 'content' | 'status'> &
  (
    | { status: 'completed'; content: Content }
    | { status: Exclude<WorkflowRun['status'], 'completed'>; content?: Content }
  )

/** The events of a run as it goes on, and its record once it has ended. */
export interface AgentStream<Content = unknown, Record = AgentRunOf<Content>> extends AsyncIterable<RunEvent> {
  readonly runId: string
  readonly sessionId: string
  /** The run's record. Waits for the end; a run that nobody iterates over goes on for it. Never rejects. */
  readonly result: Promise<Record>
}

/**
 * Starts a run that lives in memory only.
 *
 * @throws ValidationError when the component refuses the input.
 */
export function startRun(
  runnable: Runnable,
  content: JsonValue,
  options: AgentRunOptions,
  isStreaming: boolean,
): AgentStream {
  return new MemoryRun(runnable, content, options, isStreaming)
}

class MemoryRun implements AgentStream {
  readonly runId: string
  readonly sessionId: string
  private readonly context: RunContext
  private readonly abort = new AbortController()
  private readonly createdAt: number
  private readonly ended = Promise.withResolvers<AgentRunOf<unknown>>()
  private isFollowed = false

  constructor(
    private readonly runnable: Runnable,
    content: JsonValue,
    private readonly options: AgentRunOptions,
    isStreaming: boolean,
  ) {
    const { clock = systemClock, logger = consoleLogger, caller = fullCaller, userId } = options
    const { images, videos, audio, files } = withIds(options)
    const input: RunInput = { inputContent: content, images, videos, audios: audio, files }
    this.runId = options.runId ?? newId('run')
    this.sessionId = options.sessionId ?? newId('ses')
    this.createdAt = clock.now()
    this.context = {
      runId: this.runId,
      sessionId: this.sessionId,
      ...(userId !== undefined && { userId }),
      caller,
      input: runnable.checkInput?.(input, options) ?? input,
      options,
      isStreaming,
      signal: this.abort.signal,
      state: this.initialState(runnable.sessionState ?? {}),
      history: [],
      historyRunIds: [],
      fold: new RunFold(),
      clock,
      logger: redactingLogger(logger),
      attempt: 1,
    }
  }

  get result(): Promise<AgentRunOf<unknown>> {
    // Whoever asks before iterating may still be about to.
    setImmediate(() => {
      if (!this.isFollowed) void this.drain()
    })
    return this.ended.promise
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunEvent, void, void> {
    if (this.isFollowed) throw new TypeError('The events of this run are read already; a stream is read once.')
    this.isFollowed = true
    const { signal } = this.options
    const onAbort = (): void => this.abort.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      yield* drive(this.runnable, this.context, this.abort)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.ended.resolve(this.record())
    }
  }

  private async drain(): Promise<void> {
    for await (const _event of this);
  }

  private initialState(given: JsonObject): SessionState {
    const { userId, sessionState = {} } = this.options
    const current = { current_session_id: this.sessionId, current_run_id: this.runId }
    return new SessionState(
      {},
      userId === undefined ? current : { current_user_id: userId, ...current },
      deepMerge(given, sessionState),
    )
  }

  private record(): AgentRunOf<unknown> {
    const { fold, clock, input, userId } = this.context
    const { kind, id, name } = this.runnable
    const { runId, sessionId, createdAt } = this
    const facts = { ...(userId !== undefined && { userId }), status: fold.status, createdAt }
    const run = runOf({ runId, sessionId, kind, id, name }, facts, { input, ...fold.body(clock.now()) })
    return { ...run, createdAt: toIso(createdAt) } as AgentRunOf<unknown>
  }
}
