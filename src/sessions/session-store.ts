import { fullCaller } from '../core/caller.js'
import type { Caller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { NotFoundError } from '../core/errors.js'
import { newId } from '../core/ids.js'
import type { Page, Slice } from '../core/page.js'
import { attributedUserId, visibleUserId } from '../core/principal.js'
import { toRunRow } from '../runs/run-row.js'
import type { RunRow } from '../runs/run-row.js'
import { chatHistory } from './chat-history.js'
import { heldKeys, holdKeys } from './held-state.js'
import { componentOf } from './session-component.js'
import { lengthMismatch, noSummary, sessionEmpty, sessionNotFound } from './session-errors.js'
import {
  CreateSession,
  DEFAULT_HISTORY_LIMIT,
  DeleteSessions,
  ForkSession,
  ListSessionRuns,
  ListSessions,
  ReadSession,
  RenameSession,
  SelectSession,
  UpdateSession,
} from './session-input.js'
import type { SessionChanges, SessionRepository, SessionSelector } from './session-repository.js'
import type { SessionRuns } from './session-runs.js'
import { toSummaryTime, toTimeRange, toVersion } from './session-times.js'
import { toDetail, toListItem } from './session-view.js'
import type { ForkedSession, Session, SessionDetail, SessionListItem } from './session.js'

/** Sessions: what conversations are kept, under which name, and with which state. */
export class SessionStore {
  constructor(
    private readonly sessions: SessionRepository,
    private readonly sessionRuns: SessionRuns,
    private readonly clock: Clock,
    /** Keys of the state that are read from tokens' claims: who is no admin does not set them. */
    private readonly claimedState: readonly string[] = [],
  ) {}

  /**
   * Creates an empty session. A session that is not created is there with its first run.
   *
   * @throws ConflictError `SESSION_EXISTS`, whoever's it is.
   * @throws ValidationError `COMPONENT_TYPE_MISMATCH` when the id of another kind of component is given.
   */
  async create(caller: Caller, input: CreateSession = {}): Promise<SessionDetail> {
    const given = checkInput(CreateSession, input)
    const now = this.clock.now()
    const session: Session = {
      sessionId: given.sessionId ?? newId('ses'),
      name: given.sessionName ?? '',
      type: given.type,
      userId: attributedUserId(caller, given.userId ?? undefined),
      componentId: componentOf(given),
      state: holdKeys(given.sessionState ?? {}, caller.sessionState ?? {}, heldKeys(caller, this.claimedState)),
      metadata: given.metadata ?? undefined,
      metrics: {},
      createdAt: now,
      updatedAt: now,
    }
    await this.sessions.create(session)
    return toDetail(session, [])
  }

  /** @throws NotFoundError `SESSION_NOT_FOUND` */
  async get(caller: Caller, sessionId: string, options: ReadSession = {}): Promise<SessionDetail> {
    const { historyLimit, ...selector } = checkInput(ReadSession, options)
    return this.detail(caller, await this.find(caller, sessionId, selector), historyLimit)
  }

  /** Sessions without their runs, a page at a time. */
  async list(caller: Caller, filter: ListSessions = {}): Promise<Page<SessionListItem>> {
    const { userId, sessionName: name, ...rest } = checkInput(ListSessions, filter)
    const page = await this.sessions.list(caller, { ...rest, name, userId: visibleUserId(caller, userId) })
    return { ...page, data: page.data.map(toListItem) }
  }

  /** @throws NotFoundError `SESSION_NOT_FOUND` */
  async rename(
    caller: Caller,
    sessionId: string,
    sessionName: string,
    select: SelectSession = {},
  ): Promise<SessionDetail> {
    const { sessionName: name } = checkInput(RenameSession, { sessionName })
    return this.change(caller, sessionId, { name }, checkInput(SelectSession, select))
  }

  /**
   * Changes the named fields and leaves the others, whatever happens to them meanwhile.
   *
   * @param options.ifUpdatedAt the `updatedAt` that the sender has seen: when the session has changed since, nothing
   *   is written.
   * @throws NotFoundError `SESSION_NOT_FOUND`
   * @throws ConflictError `SESSION_CHANGED`
   */
  async update(
    caller: Caller,
    sessionId: string,
    changes: UpdateSession,
    options: SelectSession & { ifUpdatedAt?: string } = {},
  ): Promise<SessionDetail> {
    const { ifUpdatedAt, ...select } = options
    const { sessionName: name, sessionState: state, metadata, summary } = checkInput(UpdateSession, changes)
    const selector = checkInput(SelectSession, select)
    if (summary !== undefined) {
      const { type } = await this.find(caller, sessionId, selector)
      if (type === 'workflow') throw noSummary(sessionId)
    }
    const stamped = summary && { ...summary, updatedAt: toSummaryTime(this.clock.now()) }
    return this.change(caller, sessionId, { name, state, metadata, summary: stamped }, selector, ifUpdatedAt)
  }

  /**
   * Copies a session with its ended runs, their logs included: the copy can be gone on with, and its runs can be
   * continued and followed. The state of the copy names its source as `forked_from_session_id`.
   *
   * @throws NotFoundError `SESSION_NOT_FOUND`
   * @throws ConflictError `SESSION_EMPTY` when no run of it has ended.
   *
   * @example
   * ```ts
   * const { sessionId } = await agentOS.sessions.fork('thread-42')
   * ```
   */
  async fork(caller: Caller, sessionId: string, options: ForkSession = {}): Promise<ForkedSession> {
    const { agentId, teamId, ...select } = checkInput(ForkSession, options)
    const session = await this.find(caller, sessionId, select)
    const isMeant =
      (agentId === undefined || (session.type === 'agent' && session.componentId === agentId)) &&
      (teamId === undefined || (session.type === 'team' && session.componentId === teamId))
    if (!isMeant) throw sessionNotFound(sessionId)
    const newSessionId = newId('ses')
    const chosen = { ...this.selector(caller, select), at: this.clock.now() }
    const copied = await this.sessions.fork(caller, sessionId, newSessionId, chosen)
    if (copied === undefined) throw sessionNotFound(sessionId)
    if (copied === 0) throw sessionEmpty(sessionId)
    return { sessionId: newSessionId, forkedFromSessionId: sessionId }
  }

  /**
   * Deletes a session with everything that hangs on it. What runs in it is cancelled first.
   *
   * @throws NotFoundError `SESSION_NOT_FOUND`
   */
  async delete(caller: Caller, sessionId: string, select: SelectSession = {}): Promise<void> {
    const checked = checkInput(SelectSession, select)
    await this.find(caller, sessionId, checked)
    await this.cancelRuns(sessionId)
    if ((await this.sessions.delete(caller, [sessionId], this.selector(caller, checked))) === 0)
      throw sessionNotFound(sessionId)
  }

  /**
   * Deletes several sessions, all in one transaction. Those that are not there, or not the caller's, are passed over.
   *
   * @returns how many there were.
   * @throws ValidationError `LENGTH_MISMATCH`
   */
  async deleteMany(caller: Caller, input: DeleteSessions, select: SelectSession = {}): Promise<number> {
    const { sessionIds, sessionTypes } = checkInput(DeleteSessions, input)
    if (sessionTypes && sessionTypes.length !== sessionIds.length) throw lengthMismatch(sessionIds, sessionTypes)
    const selector = this.selector(caller, checkInput(SelectSession, select))
    const found = new Set<string>()
    for (const [at, sessionId] of sessionIds.entries()) {
      const session = await this.sessions.get(caller, sessionId, selector)
      if (session && (sessionTypes === undefined || sessionTypes[at] === session.type)) found.add(sessionId)
    }
    for (const sessionId of found) await this.cancelRuns(sessionId)
    return found.size === 0 ? 0 : this.sessions.delete(caller, [...found], selector)
  }

  /**
   * The newest runs of a session, oldest first.
   *
   * @throws NotFoundError `SESSION_NOT_FOUND`
   * @throws ValidationError `INVALID_RANGE`
   */
  async runs(caller: Caller, sessionId: string, filter: ListSessionRuns = {}): Promise<Slice<RunRow>> {
    const { include, type, userId, statuses, limit, cursor, ...range } = checkInput(ListSessionRuns, filter)
    const { createdAfter, createdBefore } = toTimeRange(range)
    const session = await this.find(caller, sessionId, { type, userId })
    const slice = await this.sessionRuns.list(caller, {
      sessionId,
      statuses,
      createdAfter,
      createdBefore,
      // A team's chat shows what its members said; what else a run has started stays inside it.
      topLevelOnly: session.type !== 'team',
      limit,
      cursor,
    })
    const withMessages = include.includes('messages')
    return { ...slice, data: slice.data.map((run) => toRunRow(run, { withMessages })) }
  }

  /** @throws NotFoundError `SESSION_NOT_FOUND`, `RUN_NOT_FOUND` */
  async run(caller: Caller, sessionId: string, runId: string, select: SelectSession = {}): Promise<RunRow> {
    await this.find(caller, sessionId, checkInput(SelectSession, select))
    const run = await this.sessionRuns.get(caller, runId)
    if (run.sessionId !== sessionId) throw new NotFoundError('RUN_NOT_FOUND', `There is no run "${runId}".`)
    return toRunRow(run)
  }

  private async detail(caller: Caller, session: Session, historyLimit = DEFAULT_HISTORY_LIMIT): Promise<SessionDetail> {
    const history =
      session.type === 'workflow' ? [] : await chatHistory(this.sessionRuns, caller, session.sessionId, historyLimit)
    return toDetail(session, history)
  }

  private async find(caller: Caller, sessionId: string, select: SessionSelector): Promise<Session> {
    const session = await this.sessions.get(caller, sessionId, this.selector(caller, select))
    if (!session) throw sessionNotFound(sessionId)
    return session
  }

  private async change(
    caller: Caller,
    sessionId: string,
    changes: SessionChanges,
    select: SessionSelector,
    ifUpdatedAt?: string,
  ): Promise<SessionDetail> {
    const session = await this.sessions.update(caller, sessionId, changes, {
      ...this.selector(caller, select),
      at: this.clock.now(),
      heldState: heldKeys(caller, this.claimedState),
      ...(ifUpdatedAt !== undefined && { ifUpdatedAt: toVersion(ifUpdatedAt) }),
    })
    if (!session) throw sessionNotFound(sessionId)
    return this.detail(caller, session)
  }

  private selector(caller: Caller, { type, userId }: SessionSelector): SessionSelector {
    return { type, userId: visibleUserId(caller, userId) }
  }

  /** Whoever may delete the session ends what runs in it, whoever has started that. */
  private async cancelRuns(sessionId: string): Promise<void> {
    const active = await this.sessionRuns.activeOf(sessionId)
    // The last first: a run that ends hands the session over to the next one that still waits.
    await Promise.all(active.reverse().map((runId) => this.cancelUnlessGone(runId)))
  }

  private async cancelUnlessGone(runId: string): Promise<void> {
    try {
      await this.sessionRuns.cancel(fullCaller, runId)
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
    }
  }
}
