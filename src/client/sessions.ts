import type { Page, Slice } from '../core/page.js'
import type { RunRow } from '../runs/run-row.js'
import type {
  CreateSession,
  DeleteSessions,
  ForkSession,
  ListSessionRuns,
  ListSessions,
  ReadSession,
  SelectSession,
  UpdateSession,
} from '../sessions/session-input.js'
import type { ForkedSession, SessionDetail, SessionListItem } from '../sessions/session.js'
import type { RequestOptions } from './options.js'
import { sliceOf } from './slice.js'
import { operationOf, placeOf } from './place.js'
import type { Transport } from './transport.js'

/** Which database is meant, where a server has several. */
export interface DatabasePlace {
  dbId?: string
  /** Needs `dbId`. */
  table?: string
}

type More = DatabasePlace & RequestOptions

/** Sessions, as `agentOS.sessions` on the server has them. */
export class SessionsClient {
  constructor(private readonly transport: Transport) {}

  /** Sessions without their runs, a page at a time. */
  async list({ signal, ...query }: ListSessions & More = {}): Promise<Page<SessionListItem>> {
    return (await this.transport.call('list_sessions', { params: {}, query, signal })).value as Page<SessionListItem>
  }

  /** Creates an empty session. One that is not created is there with its first run. */
  async create(input: CreateSession = {}, { signal, ...database }: More = {}): Promise<SessionDetail> {
    const { type, ...body } = input
    const call = { params: {}, query: { type, ...database }, body, signal }
    return (await this.transport.call('create_session', call)).value as SessionDetail
  }

  async get(sessionId: string, { signal, ...query }: ReadSession & More = {}): Promise<SessionDetail> {
    return (await this.transport.call('get_session', { params: { sessionId }, query, signal })).value as SessionDetail
  }

  async rename(
    sessionId: string,
    sessionName: string,
    { signal, ...query }: SelectSession & More = {},
  ): Promise<SessionDetail> {
    const call = { params: { sessionId }, query, body: { sessionName }, signal }
    return (await this.transport.call('rename_session', call)).value as SessionDetail
  }

  /**
   * Changes the named fields: a value replaces the old one whole, `null` clears, what is absent stays.
   *
   * @param options.ifUpdatedAt the `updatedAt` that was read: when the session has changed since, nothing is written,
   *   and the error's code is `SESSION_CHANGED`.
   */
  async update(
    sessionId: string,
    changes: UpdateSession,
    { signal, ifUpdatedAt, ...query }: SelectSession & { ifUpdatedAt?: string } & More = {},
  ): Promise<SessionDetail> {
    const headers = { 'if-match': ifUpdatedAt === undefined ? undefined : `"${ifUpdatedAt}"` }
    const call = { params: { sessionId }, query, body: changes, headers, signal }
    return (await this.transport.call('update_session', call)).value as SessionDetail
  }

  /** Copies a session with its ended runs, under new ids: the copy can be gone on with. */
  async fork(
    sessionId: string,
    request: ({ agentId: string } | { teamId: string }) & Pick<ForkSession, 'userId'> & RequestOptions,
  ): Promise<ForkedSession> {
    const { kind, params, rest } = placeOf(request)
    const { signal, ...query } = rest
    const call = { params: { ...params, sessionId } as never, query, signal }
    return (await this.transport.call(operationOf('fork', kind, 'session'), call)).value as ForkedSession
  }

  /** Deletes a session with its runs. What runs in it is cancelled first. */
  async delete(sessionId: string, { signal, ...query }: SelectSession & More = {}): Promise<void> {
    await this.transport.call('delete_session', { params: { sessionId }, query, signal })
  }

  /**
   * Deletes several sessions, all in one transaction. Those that are not there are passed over.
   *
   * @returns how many there were; undefined where a page of another origin may not see it.
   */
  async deleteMany(
    input: DeleteSessions,
    { signal, ...query }: SelectSession & More = {},
  ): Promise<number | undefined> {
    const { headers } = await this.transport.call('delete_sessions', { params: {}, query, body: input, signal })
    const count = headers.get('x-deleted-count')
    return count === null ? undefined : Number(count)
  }

  /** The newest runs of a session, oldest first. */
  async runs(sessionId: string, { statuses, signal, ...query }: ListSessionRuns & More = {}): Promise<Slice<RunRow>> {
    const call = { params: { sessionId }, query: { ...query, status: statuses }, signal }
    return sliceOf<RunRow>(await this.transport.call('list_session_runs', call))
  }

  async run(sessionId: string, runId: string, { signal, ...query }: SelectSession & More = {}): Promise<RunRow> {
    return (await this.transport.call('get_session_run', { params: { sessionId, runId }, query, signal }))
      .value as RunRow
  }
}
