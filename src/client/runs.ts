import type { Run, RunStatus } from '../agents/log/run-record.js'
import type { JsonValue } from '../core/json.js'
import type { Slice } from '../core/page.js'
import type { CheckpointList, CheckpointSnapshot } from '../runs/checkpoints.js'
import type { CancelledRun } from '../runs/run-canceller.js'
import type { RunOf, StartedRun } from '../runs/run-manager.js'
import type { RunRow } from '../runs/run-row.js'
import { AgentOSClientError } from './client-error.js'
import type { RequestOptions } from './options.js'
import { operationOf, placeOf } from './place.js'
import type { AnyCall } from './place.js'
import { randomHex } from './random-hex.js'
import { pause } from './retry.js'
import { prepareContinue, prepareRun } from './run-request.js'
import type {
  ContinueRunRequest,
  CreateRunRequest,
  PreparedRequest,
  RunPlace,
  StreamContinueRequest,
  StreamRunRequest,
} from './run-request.js'
import { ClientRunStream } from './run-stream.js'
import { sliceOf } from './slice.js'
import type { OperationName, Transport } from './transport.js'

export type ListRuns = RunPlace & {
  statuses?: readonly RunStatus[]
  limit?: number
  /** `nextCursor` of the slice before. */
  cursor?: string
}

const SSE = 'text/event-stream'

/** Runs, as `agentOS.runs` on the server has them. */
export class RunsClient {
  constructor(private readonly transport: Transport) {}

  /**
   * Runs an agent, a team or a workflow, and waits for the end. A request whose answer is lost is sent again and makes no second run.
   *
   * @returns the run: `completed`, `paused`, `cancelled`, or `error` with the reason in `error`.
   * @throws AgentOSClientError when the run is refused.
   *
   * @example
   * ```ts
   * const run = await client.runs.create({ agentId: 'support', message: 'Where is order 7?', sessionId: 'thread-42' })
   * ```
   */
  async create<Request extends CreateRunRequest>(request: Request): Promise<RunOf<Request>> {
    const prepared = prepareRun(request, {})
    try {
      const { value } = await this.transport.call(operationOf('create', prepared.kind, 'run'), prepared.call)
      return value as RunOf<Request>
    } catch (error) {
      if (request.cancelOnAbort && request.signal?.aborted) await this.cancelAbandoned(prepared)
      throw error
    }
  }

  /**
   * Runs an agent and shows its events as they are committed, over as many connections as it takes. Leaving the loop
   * leaves the stream; the run then goes on for the server's grace period.
   */
  stream(request: StreamRunRequest): ClientRunStream {
    return this.streamed(request, { stream: true })
  }

  /** As `stream`, for a run that goes on whether somebody reads it or not. */
  streamInBackground(request: StreamRunRequest): ClientRunStream {
    return this.streamed(request, { stream: true, background: true })
  }

  /** Starts a run that works in the background. */
  async start(request: CreateRunRequest): Promise<StartedRun> {
    const { kind, call } = prepareRun(request, { background: true })
    const { value } = await this.transport.call(operationOf('create', kind, 'run'), call)
    return value as StartedRun
  }

  /**
   * Follows a run from any point: the events after an index, then live, to the end of the current leg.
   *
   * @param options.after index of the last event that is known; default: from the start.
   */
  resume(runId: string, options: RunPlace & RequestOptions & { after?: number }): ClientRunStream {
    const { kind, params, rest } = placeOf(options)
    const { sessionId, after = -1, signal } = rest
    return new ClientRunStream({
      settings: this.transport.settings,
      runId,
      asked: { runId, sessionId },
      after,
      signal,
      resume: (_runId, index, connection) => {
        const body = { lastEventIndex: index < 0 ? undefined : index, sessionId }
        const call = { params: { ...params, runId } as never, body, signal: connection }
        return this.transport.send(operationOf('resume', kind, 'run'), call, SSE)
      },
    })
  }

  /**
   * Moves a run on and waits for the end of the leg. Each call that it waits for needs a decision; a paused or failed
   * run goes on in place, of a completed one a copy does. Sent once: when the answer is lost, `get` tells how the run
   * stands.
   *
   * @returns the run that was executed.
   * @throws AgentOSClientError when it is refused; then nothing has changed.
   *
   * @example
   * ```ts
   * const [waiting] = run.requirements ?? []
   * await client.runs.continue(run.runId, {
   *   agentId: 'support',
   *   requirements: [{ id: waiting.id, confirmation: true }],
   * })
   * ```
   */
  async continue(runId: string, request: ContinueRunRequest): Promise<Run> {
    const { operation, call } = prepareContinue(runId, request, {})
    return (await this.transport.call(operation, call)).value as Run
  }

  /**
   * As `continue`; shows the new leg's events, beginning with `RunContinued`, over as many connections as it takes.
   * `accepted` names the run that goes on.
   */
  continueStream(runId: string, request: StreamContinueRequest): ClientRunStream {
    return this.continued(runId, request, { stream: true })
  }

  /** As `continueStream`, for a leg that goes on whether somebody reads it or not. */
  continueStreamInBackground(runId: string, request: StreamContinueRequest): ClientRunStream {
    return this.continued(runId, request, { stream: true, background: true })
  }

  /** As `continue`; returns as soon as the new leg has begun. */
  async continueInBackground(runId: string, request: ContinueRunRequest): Promise<StartedRun> {
    const { operation, call } = prepareContinue(runId, request, { background: true })
    return (await this.transport.call(operation, call)).value as StartedRun
  }

  /** Points from which a run can be continued: each message after which it was saved, and its end. */
  async checkpoints(runId: string, place: RunPlace & RequestOptions): Promise<CheckpointList> {
    return (await this.transport.call(...called('list', 'run_checkpoints', place, { runId }))).value as CheckpointList
  }

  /** A run as it was when it had so many messages. A boundary inside a tool exchange moves down to before it. */
  async checkpoint(runId: string, messageIndex: number, place: RunPlace & RequestOptions): Promise<CheckpointSnapshot> {
    const names = { runId, messageIndex: String(messageIndex) }
    return (await this.transport.call(...called('get', 'run_checkpoint', place, names))).value as CheckpointSnapshot
  }

  /** A run as it is now. */
  async get(runId: string, place: RunPlace & RequestOptions): Promise<Run> {
    return (await this.transport.call(...called('get', 'run', place, { runId }))).value as Run
  }

  /** Runs of a component, oldest first: the newest `limit` ones, or those before a cursor. */
  async list(request: ListRuns & RequestOptions): Promise<Slice<RunRow>> {
    const { kind, params, rest } = placeOf(request)
    const { statuses, signal, ...query } = rest
    const call = { params: params as never, query: { ...query, status: statuses }, signal }
    return sliceOf<RunRow>(await this.transport.call(operationOf('list', kind, 'runs'), call))
  }

  /**
   * Cancels a run. One that has ended already stays as it is.
   *
   * @returns the end state that the run has.
   */
  async cancel(runId: string, place: RunPlace & RequestOptions): Promise<CancelledRun> {
    const [operation, call] = called('cancel', 'run', place, { runId })
    return (await this.transport.call(operation, { ...call, isRepeatable: true })).value as CancelledRun
  }

  /**
   * Sends an event to a run of a workflow, for the step that waits for one of this name, now or later.
   *
   * @param options.id one that is sent again under the same id counts once. Default: a new one for each call, so that a
   *   request whose answer is lost can be sent again.
   */
  async sendEvent(
    runId: string,
    event: { name: string; payload?: JsonValue; id?: string },
    { workflowId, signal }: { workflowId: string } & RequestOptions,
  ): Promise<void> {
    const body = { ...event, id: event.id ?? randomHex(16) }
    await this.transport.call('send_workflow_event', {
      params: { workflowId, runId },
      body,
      signal,
      isRepeatable: true,
    })
  }

  private streamed(request: StreamRunRequest, mode: { stream: true; background?: true }): ClientRunStream {
    const prepared = prepareRun(request, mode)
    const { kind, params, call, isRepeatable, isNew } = prepared
    return new ClientRunStream({
      settings: this.transport.settings,
      beginning: {
        request: (signal) => this.transport.send(operationOf('create', kind, 'run'), { ...call, signal }, SSE),
        isRepeatable,
        isNew,
        isUpload: call.files!.length > 0,
      },
      asked: { runId: prepared.runId, sessionId: request.sessionId },
      after: -1,
      onlyEssential: request.streamEvents === false,
      resume: (runId, index, signal) => this.follow({ kind, params }, runId, index, signal),
      signal: request.signal,
      ...(request.cancelOnAbort && { cancel: () => this.cancelAbandoned(prepared) }),
    })
  }

  private continued(
    runId: string,
    request: StreamContinueRequest,
    mode: { stream: true; background?: true },
  ): ClientRunStream {
    const { kind, params, rest } = placeOf(request)
    const { sessionId, streamEvents, signal } = rest
    const { operation, call } = prepareContinue(runId, request, mode)
    return new ClientRunStream({
      settings: this.transport.settings,
      beginning: {
        request: (connection) => this.transport.send(operation, { ...call, signal: connection }, SSE),
        isRepeatable: false,
        isNew: true,
        isUpload: false,
        isFurtherLeg: true,
      },
      asked: { runId, sessionId },
      after: -1,
      onlyEssential: streamEvents === false,
      resume: (ownId, index, connection) => this.follow({ kind, params }, ownId, index, connection),
      signal,
    })
  }

  private follow(
    { kind, params }: Pick<PreparedRequest, 'kind' | 'params'>,
    runId: string,
    after: number,
    signal: AbortSignal,
  ): Promise<Response> {
    const headers = { 'last-event-id': after < 0 ? undefined : String(after) }
    const call = { params: { ...params, runId } as never, headers, signal }
    return this.transport.send(operationOf('follow', kind, 'run'), call, SSE)
  }

  /** Cancels a run whose request was given up. It may be on its way to the server still, or never get there. */
  private async cancelAbandoned({ params, runId }: PreparedRequest): Promise<void> {
    for (const delay of [0, 500, 2000]) {
      await pause(delay, undefined)
      try {
        await this.cancel(runId!, params as unknown as RunPlace)
        return
      } catch (error) {
        if (!(error instanceof AgentOSClientError) || error.code !== 'RUN_NOT_FOUND') throw error
      }
    }
  }
}

/** A request about one run of a component. */
function called(
  verb: string,
  of: 'run' | 'run_checkpoints' | 'run_checkpoint',
  place: RunPlace & RequestOptions,
  names: Readonly<Record<string, string>>,
): [OperationName, AnyCall] {
  const { kind, params, rest } = placeOf(place)
  const { sessionId, signal } = rest
  return [operationOf(verb, kind, of), { params: { ...params, ...names } as never, query: { sessionId }, signal }]
}
