import type { Caller } from '../../core/caller.js'
import { NotFoundError } from '../../core/errors.js'
import { servedKinds } from '../component-kind.js'
import { toCreateRun } from '../create-run-body.js'
import { answering, jsonFormat, sseFormat } from '../frame-format.js'
import { resumedFrames } from '../resume-reply.js'
import { checkRun } from '../run-path.js'
import { runFrames } from '../run-stream-reply.js'
import type { Services } from '../services.js'
import type { ClientFrame, ClientFrameOf } from './client-frames.js'
import type { FollowedRuns } from './followed-runs.js'
import type { ServerFrame } from './server-frames.js'
import type { Credential, SocketGate } from './socket-gate.js'

/** What is done for one caller over one socket, with the rules of the routes of workflows. */
export class WorkflowActions {
  constructor(
    private readonly caller: Caller,
    private readonly os: Services,
    private readonly gate: SocketGate,
    private readonly credential: Credential,
    private readonly followed: FollowedRuns,
  ) {}

  /** @returns what answers at once; the events of a run follow by themselves. */
  async act(frame: Exclude<ClientFrame, { action: 'authenticate' | 'ping' }>): Promise<ServerFrame | undefined> {
    switch (frame.action) {
      case 'start-workflow':
        await this.start(frame)
        return undefined
      case 'continue-workflow':
        await this.continue(frame)
        return undefined
      case 'reconnect':
        await this.reconnect(frame)
        return undefined
      case 'cancel-workflow':
        return this.cancel(frame)
    }
  }

  private async start({ id, framing, workflowId, ...body }: ClientFrameOf<'start-workflow'>): Promise<void> {
    await this.gate.checkRun(this.caller, workflowId)
    this.followed.checkRoom()
    await this.gate.takeRun(this.caller, this.credential)
    const input = { ...body, stream: true, background: true }
    const stream = this.os.runs.streamInBackground(
      toCreateRun({ kind: 'workflow', id: workflowId }, input, [], new Headers()),
    )
    const { runId } = await stream.accepted
    this.followed.follow(runId, runFrames(stream, formatOf(framing, id), this.optionsOf(body)))
  }

  private async continue(frame: ClientFrameOf<'continue-workflow'>): Promise<void> {
    const { id, framing, workflowId, runId: named, sessionId, streamEvents, ...input } = frame
    await this.gate.checkRun(this.caller, workflowId)
    this.followed.checkRoom()
    await this.gate.takeRun(this.caller, this.credential)
    const runId = await checkRun(this.os, servedKinds.workflow, { workflowId, runId: named }, { sessionId })
    const stream = await this.os.runs.continueStreamInBackground(runId, input)
    this.followed.follow(stream.runId, runFrames(stream, formatOf(framing, id), this.optionsOf({ streamEvents })))
  }

  private async reconnect({
    id,
    runId,
    sessionId,
    lastEventIndex,
    ...frame
  }: ClientFrameOf<'reconnect'>): Promise<void> {
    const workflowId = frame.workflowId ?? (await this.workflowOf(runId))
    await this.gate.checkRun(this.caller, workflowId)
    await checkRun(this.os, servedKinds.workflow, { workflowId, runId }, { sessionId })
    this.followed.checkRoom()
    const stream = await this.os.runs.resume(runId, { after: lastEventIndex })
    this.followed.follow(runId, resumedFrames(stream, answering(id, jsonFormat)))
  }

  private async cancel({ id, runId, workflowId, sessionId }: ClientFrameOf<'cancel-workflow'>): Promise<ServerFrame> {
    await this.gate.checkRun(this.caller, workflowId)
    await checkRun(this.os, servedKinds.workflow, { workflowId, runId }, { sessionId })
    const { status } = await this.os.runs.cancel(runId)
    return { event: 'cancel_requested', id, runId, status }
  }

  private async workflowOf(runId: string): Promise<string> {
    const { component } = await this.os.runs.head(runId)
    if (component.kind !== 'workflow') throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    return component.id
  }

  private optionsOf({ streamEvents }: { streamEvents: boolean }) {
    return { allEvents: streamEvents, compatibility: this.os.server.compatibility }
  }
}

function formatOf(framing: 'json' | 'sse', id: string | number | undefined) {
  return answering(id, framing === 'sse' ? sseFormat : jsonFormat)
}
