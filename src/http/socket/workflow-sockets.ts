import type { Caller } from '../../core/caller.js'
import { UnauthorizedError, UnavailableError } from '../../core/errors.js'
import { newId } from '../../core/ids.js'
import { errorAnswer } from '../error-response.js'
import { trimPath } from '../request-target.js'
import { Respond } from '../respond.js'
import type { MountOptions, OpenSocket, SocketHandler } from '../web-handler.js'
import { closeCodes } from './close-codes.js'
import { checkOrigin } from './socket-gate.js'
import type { Credential } from './socket-gate.js'
import { SocketSession } from './socket-session.js'
import type { SocketSessionParts } from './socket-session.js'
import { SOCKET_PATH } from './socket-route.js'

export type WorkflowSocketsParts = Omit<SocketSessionParts, 'credential' | 'caller' | 'onClosed' | 'authTimeoutMs'> & {
  /** Milliseconds that a client has to say who it is. Default: 10 s. */
  authTimeoutMs?: number
}

const AUTH_TIMEOUT_MS = 10_000

/** The sockets over which clients run and follow workflows. */
export class WorkflowSockets implements SocketHandler {
  private readonly sessions = new Set<SocketSession>()
  private isStopping = false
  private onEmpty: (() => void) | undefined

  constructor(private readonly parts: WorkflowSocketsParts) {}

  matchesSocket(pathname: string): boolean {
    return trimPath(pathname) === SOCKET_PATH
  }

  async connect(request: Request, mount: MountOptions = {}): Promise<Response | OpenSocket> {
    const credential = { request, mount }
    try {
      if (this.isStopping) throw new UnavailableError('SHUTTING_DOWN', 'The server is shutting down; try again.')
      checkOrigin(request, this.parts.gate.trustedOrigins)
      const caller = await this.callerOf(credential)
      return (peer) => {
        const { authTimeoutMs = AUTH_TIMEOUT_MS } = this.parts
        const onClosed = (closed: SocketSession): void => this.forget(closed)
        const session = new SocketSession(peer, { ...this.parts, authTimeoutMs, credential, caller, onClosed })
        this.sessions.add(session)
        if (this.isStopping) session.drain()
        return session
      }
    } catch (error) {
      const requestId = newId('req')
      const { status, body, headers } = errorAnswer(error, requestId, this.parts.logger)
      return new Respond(requestId, false).json(status, JSON.stringify(body), headers)
    }
  }

  /** Takes no new sockets, and closes those that follow no run, or once they follow none any more. */
  drain(): void {
    this.isStopping = true
    for (const session of this.sessions) session.drain()
  }

  /** Closes every socket so that its client connects again, elsewhere or later. Resolves when all are closed. */
  async close(): Promise<void> {
    this.isStopping = true
    if (this.sessions.size === 0) return
    const empty = new Promise<void>((resolve) => (this.onEmpty = resolve))
    for (const session of this.sessions) session.close(closeCodes.restart, 'The server restarts; connect again.')
    await empty
  }

  /** None while a token has to follow: a page can't put one into the request for a socket. */
  private async callerOf({ request, mount }: Credential): Promise<Caller | undefined> {
    try {
      return await this.parts.gate.authenticate(request, mount)
    } catch (error) {
      if (error instanceof UnauthorizedError && error.code === 'TOKEN_MISSING') return undefined
      throw error
    }
  }

  private forget(session: SocketSession): void {
    this.sessions.delete(session)
    if (this.sessions.size === 0) this.onEmpty?.()
  }
}
