import type { Caller } from '../../core/caller.js'
import type { Clock } from '../../core/clock.js'
import { BadRequestError, ForbiddenError, UnauthorizedError } from '../../core/errors.js'
import { newId } from '../../core/ids.js'
import type { Logger } from '../../core/logger.js'
import { fieldReader } from '../body-fields.js'
import { defaultBodyLimits } from '../body-limits.js'
import { parseJson } from '../body.js'
import { errorAnswer } from '../error-response.js'
import { parseWire } from '../parse-wire.js'
import type { Services } from '../services.js'
import type { SocketListener, SocketPeer } from '../web-handler.js'
import { ClientFrame } from './client-frames.js'
import type { ClientFrameOf } from './client-frames.js'
import { closeCodes } from './close-codes.js'
import { FollowedRuns } from './followed-runs.js'
import { errorFrame, serverFrame } from './server-frames.js'
import type { ServerFrame } from './server-frames.js'
import { withToken } from './socket-gate.js'
import type { Credential, SocketGate } from './socket-gate.js'
import { SocketOutput } from './socket-output.js'
import { isSame, TokenWatch } from './token-watch.js'
import { WorkflowActions } from './workflow-actions.js'

export interface SocketSessionParts {
  gate: SocketGate
  /** The services as this caller may use them. */
  services(caller: Caller): Services
  logger: Logger
  clock: Clock
  /** Milliseconds that a client has to say who it is. */
  authTimeoutMs: number
  /** The request for the socket. */
  credential: Credential
  /** Whom that request has named, if anybody. */
  caller: Caller | undefined
  onClosed(session: SocketSession): void
}

/** Frames that wait for those before them; then the client is not read from for a while. */
const MAX_WAITING = 16
/** How long a client may take to close its end. */
const CLOSE_MS = 1000

const fields = fieldReader(ClientFrame, defaultBodyLimits.jsonDepth)

/** One connection: its client's frames, one after the other, and the events of the runs that it follows. */
export class SocketSession implements SocketListener {
  private readonly output: SocketOutput
  private readonly followed: FollowedRuns
  private caller: Caller | undefined
  private actions: WorkflowActions | undefined
  private watch: TokenWatch | undefined
  private authTimer: NodeJS.Timeout | undefined
  private closeTimer: NodeJS.Timeout | undefined
  private turn: Promise<void> = Promise.resolve()
  private waiting = 0
  private isOver = false
  private isDraining = false

  constructor(
    private readonly peer: SocketPeer,
    private readonly parts: SocketSessionParts,
  ) {
    const { caller, credential, authTimeoutMs } = parts
    this.output = new SocketOutput(peer)
    this.followed = new FollowedRuns(this.output, (runId, failure) => this.left(runId, failure))
    if (caller) this.admit(caller, credential)
    else
      this.authTimer = setTimeout(
        () => this.close(closeCodes.unauthenticated, 'Nobody has authenticated.'),
        authTimeoutMs,
      )
    void this.say({
      event: 'connected',
      message: caller ? 'Ready.' : 'Send { "action": "authenticate", "token": … } first.',
      requiresAuth: caller === undefined,
    })
  }

  receive(text: string | undefined): void {
    if (this.isOver) return
    this.waiting += 1
    if (this.waiting === MAX_WAITING) this.peer.pause()
    this.turn = this.turn.then(() => this.handle(text))
  }

  drained(): void {
    this.output.drained()
  }

  closed(): void {
    this.end()
    clearTimeout(this.closeTimer)
    this.parts.onClosed(this)
  }

  /** Closes as soon as no run is followed any more. */
  drain(): void {
    this.isDraining = true
    this.closeIfIdle()
  }

  close(code: number, reason: string): void {
    if (this.isOver) return
    this.end()
    this.peer.close(code, reason)
    this.closeTimer = setTimeout(() => this.peer.terminate(), CLOSE_MS)
  }

  private async handle(text: string | undefined): Promise<void> {
    const requestId = newId('req')
    let id: ServerFrameId
    try {
      if (this.isOver) return
      const sent = objectOf(text)
      id = idOf(sent)
      await this.say(await this.answer(sent, id))
    } catch (error) {
      await this.say({ ...this.failure(error, requestId), id })
    } finally {
      if (this.waiting === MAX_WAITING) this.peer.resume()
      this.waiting -= 1
    }
  }

  /** What says who is there comes before the look at what is asked for, as over HTTP. */
  private async answer(sent: Sent, id: ServerFrameId): Promise<ServerFrame | undefined> {
    const isOpen = sent.action === 'authenticate' || sent.action === 'ping'
    if (!this.actions && !isOpen) {
      return { event: 'auth_required', id, error: 'Authenticate first: { "action": "authenticate", "token": … }.' }
    }
    const frame = parseWire(ClientFrame, fields.fromJson(sent, true))
    if (frame.action === 'ping') return { event: 'pong', id }
    if (frame.action === 'authenticate') return this.authenticate(frame)
    return this.actions?.act(frame)
  }

  private async authenticate({ id, token }: ClientFrameOf<'authenticate'>): Promise<ServerFrame> {
    try {
      const { gate, credential } = this.parts
      const shown = withToken(credential, token, gate.tokenHeader)
      const caller = await gate.authenticate(shown.request, shown.mount)
      // Whoever is nobody yet, on a server that is open, may become somebody.
      const isOthers = this.caller !== undefined && this.caller.kind !== 'anonymous' && !isSame(caller, this.caller)
      if (isOthers) {
        throw new UnauthorizedError('TOKEN_INVALID', 'The token is of somebody else. Open another socket for it.')
      }
      this.admit(caller, shown)
      const { userId } = caller
      return { event: 'authenticated', id, message: 'Ready.', ...(userId !== undefined && { userId }) }
    } catch (error) {
      return { event: 'auth_error', id, ...this.refusal(error) }
    }
  }

  private admit(caller: Caller, { request, mount }: Credential): void {
    if (this.isOver) return
    const { gate, clock } = this.parts
    clearTimeout(this.authTimer)
    this.watch?.stop()
    this.caller = caller
    this.actions = new WorkflowActions(caller, this.parts.services(caller), gate, this.parts.credential, this.followed)
    this.watch = new TokenWatch({
      caller,
      again: () => gate.authenticate(request, mount),
      clock,
      onEnd: () => this.close(closeCodes.tokenExpired, 'The token is no longer good.'),
    })
  }

  private refusal(error: unknown) {
    const { error: said, errorCode } = this.failure(error, newId('req'))
    const isKnown = error instanceof UnauthorizedError || error instanceof ForbiddenError
    const errorType = !isKnown ? 'server_error' : errorCode === 'TOKEN_EXPIRED' ? 'expired' : 'invalid_token'
    return { error: said, errorType, errorCode } as const
  }

  private failure(error: unknown, requestId: string) {
    return errorFrame(errorAnswer(error, requestId, this.parts.logger).body)
  }

  private left(runId: string, failure: unknown): void {
    if (failure !== undefined) void this.say({ ...this.failure(failure, newId('req')), runId })
    this.closeIfIdle()
  }

  private closeIfIdle(): void {
    if (this.isDraining && this.followed.isEmpty) {
      this.close(closeCodes.restart, 'The server restarts; connect again.')
    }
  }

  private say(frame: ServerFrame | undefined): Promise<void> | undefined {
    return frame && this.output.send(serverFrame(frame))
  }

  private end(): void {
    this.isOver = true
    clearTimeout(this.authTimer)
    this.watch?.stop()
    this.followed.close()
    this.output.close()
  }
}

type ServerFrameId = string | number | undefined
type Sent = Readonly<Record<string, unknown>>

/** @throws BadRequestError `MALFORMED_BODY` */
function objectOf(text: string | undefined): Sent {
  if (text === undefined) throw new BadRequestError('MALFORMED_BODY', 'A frame has to be text, but is bytes.')
  const value = parseJson(text, defaultBodyLimits, 'frame')
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Sent
  throw new BadRequestError('MALFORMED_BODY', 'A frame has to be a JSON object, such as {"action":"ping"}.')
}

/** Also of a frame that is refused. */
function idOf({ id }: Sent): ServerFrameId {
  return (typeof id === 'string' && id.length <= 255) || typeof id === 'number' ? id : undefined
}
