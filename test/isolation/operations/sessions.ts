import { actsFor, given, MISSING, pick } from '../call.js'
import type { Call, Generator, Making } from '../call.js'
import type { SessionRow } from '../ledger.js'
import { COMPONENTS } from '../components.js'
import { runList } from './runs.js'

/** A call about one session. */
function onSession(
  making: Making,
  more: (
    session: SessionRow | undefined,
  ) => Omit<Call, 'params' | 'names'> & { params?: Record<string, string> } = () => ({}),
): Call {
  const session = pick(making, 'session')
  const made = more(session)
  return {
    ...made,
    params: { session_id: session?.id ?? MISSING.session, ...made.params },
    names: session ? [session] : [],
  }
}

const listSessions: Generator = (making) => {
  const { choose, ledger, actor } = making
  const component = choose.of(undefined, ...Object.values(COMPONENTS).flat())
  const type = choose.of(undefined, 'agent', 'team', 'workflow')
  const part = choose.of(undefined, 'CANARY', 'say')
  const sortBy = choose.of(undefined, 'session_name', 'updated_at', 'created_at')
  const order = choose.of(undefined, 'asc', 'desc')
  const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('sessions') ?? []), undefined) : undefined
  const whose = actsFor(making)
  // Whoever sees everybody's rows is asked about one owner: of the others there are any number.
  const owner = actor.scoped ? actor.principal.number : ledger.numberOf(whose.userId ?? actor.principal.userId)
  const userId = actor.scoped ? whose.userId : (whose.userId ?? actor.principal.userId)
  return {
    query: given({
      component_id: component,
      type,
      session_name: part,
      sort_by: sortBy,
      sort_order: order,
      user_id: userId,
      limit: choose.of('2', '20', '1000'),
      cursor,
    }),
    writesFor: owner,
    list: {
      idsOf: ({ data }: { data: { session_id: string }[] }) => data.map((row) => row.session_id),
      expected: () =>
        ledger
          .of(ledger.sessions, owner)
          .filter((row) => component === undefined || row.componentId === component)
          .filter((row) => type === undefined || row.type === type)
          .filter((row) => part === undefined || row.name.toLowerCase().includes(part.toLowerCase())),
      order: { key: sortBy ?? 'created_at', descending: order !== 'asc' },
    },
  }
}

const createSession: Generator = (making) => {
  const { choose, ledger } = making
  const taken = choose.once(5) ? pick(making, 'session') : undefined
  const { owner, userId } = actsFor(making)
  const type = choose.of('agent', 'team', 'workflow')
  const componentId = choose.of(undefined, ...COMPONENTS[type])
  const name = ledger.canary(owner)
  return {
    query: { ...(type !== 'agent' && { type }), ...(choose.once(2) && given({ user_id: userId })) },
    body: {
      ...given({
        session_id: taken?.id ?? (choose.once(4) ? `chosen-${ledger.canary(owner)}` : undefined),
        user_id: userId,
        [`${type}_id`]: componentId,
        session_name: name,
      }),
      ...choose.maybe(() => ({ session_state: { [ledger.canary(owner)]: ledger.canary(owner) } })),
      ...choose.maybe(() => ({ metadata: { secret: ledger.canary(owner) } })),
    },
    names: taken ? [taken] : [],
    refused: 'SESSION_EXISTS',
    writesFor: owner,
    learn: ({ body: { session_id: id } }) =>
      ledger.add({
        kind: 'session',
        id,
        owner,
        type,
        name,
        ...(componentId !== undefined && { componentId }),
      }),
  }
}

const updateSession: Generator = (making) =>
  onSession(making, (session) => {
    const { choose, ledger, actor } = making
    const writer = session?.owner ?? actor.principal.number
    const name = ledger.canary(writer)
    const renamed = choose.once(2)
    return {
      body: {
        ...(renamed && { session_name: name }),
        session_state: { [ledger.canary(writer)]: ledger.canary(writer) },
        ...choose.maybe(() => ({ metadata: { secret: ledger.canary(writer) } })),
        ...choose.maybe(() => ({ summary: { summary: ledger.canary(writer), topics: [ledger.canary(writer)] } })),
      },
      learn: () => {
        if (session && renamed) session.name = name
      },
    }
  })

const renameSession: Generator = (making) =>
  onSession(making, (session) => {
    const name = making.ledger.canary(session?.owner ?? making.actor.principal.number)
    return {
      body: { session_name: name },
      learn: () => {
        if (session) session.name = name
      },
    }
  })

const deleteSessions: Generator = (making) => {
  const session = pick(making, 'session')
  const ids = [session?.id ?? MISSING.session, MISSING.session]
  return {
    ...(making.choose.once(2) ? { query: { session_ids: ids[0]! }, body: {} } : { body: { session_ids: ids } }),
    names: session ? [session] : [],
    learn: ({ headers }) => {
      if (!session) return
      if (headers.get('x-deleted-count') === '1') making.ledger.removeSession(session.id)
    },
  }
}

const listSessionRuns: Generator = (making) => {
  const { choose, ledger, actor } = making
  const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('runs') ?? []), undefined) : undefined
  return onSession(making, (session) => ({
    query: given({ limit: choose.of('2', '1000', undefined), include: choose.of(undefined, 'messages'), cursor }),
    ...(actor.scoped && {
      list: runList(
        making,
        // A team's chat shows what its members have said.
        (run) => run.sessionId === session?.id && (run.parentId === undefined || session.type === 'team'),
        actor.principal.number,
      ),
    }),
  }))
}

const getSessionRun: Generator = (making) => {
  const run = pick(making, 'run')
  const session = making.choose.once(5) ? pick(making, 'session') : making.ledger.sessions.get(run?.sessionId ?? '')
  return {
    params: { session_id: session?.id ?? MISSING.session, run_id: run?.id ?? MISSING.run },
    names: [run, session].flatMap((row) => row ?? []),
  }
}

interface CopiedRun {
  run_id: string
  parent_run_id?: string
  user_id?: string
  agent_id?: string
  team_id?: string
}

const forkSession =
  (kind: 'agent' | 'team'): Generator =>
  (making) => {
    const { ledger, world } = making
    const canBe = ({ id, type }: SessionRow): boolean =>
      type === kind && [...ledger.runs.values()].some((run) => run.sessionId === id && run.isPaused === false)
    const session = pick(making, 'session', undefined, canBe)
    const componentId = (session?.type === kind && session.componentId) || COMPONENTS[kind][0]
    return {
      params: { [`${kind}_id`]: componentId, session_id: session?.id ?? MISSING.session },
      names: session ? [session] : [],
      learn: async ({ body: { session_id: id } }) => {
        if (!session) return
        ledger.add({ ...session, id })
        const movers = ledger
          .of(ledger.runs, session.owner)
          .flatMap((run) => (run.sessionId === session.id ? [...(ledger.movers.get(run.id) ?? [])] : []))
        for (const copy of (await world.ask(`/sessions/${id}/runs`)) as CopiedRun[]) {
          const { run_id, parent_run_id: parentId, agent_id, team_id } = copy
          const component =
            team_id === undefined
              ? ({ kind: 'agent', id: agent_id! } as const)
              : ({ kind: 'team', id: team_id } as const)
          const owner = ledger.numberOf(copy.user_id)
          ledger.add({ kind: 'run', id: run_id, owner, sessionId: id, component, ...(parentId && { parentId }) })
          for (const by of movers) ledger.moved(run_id, by)
        }
      },
    }
  }

export const sessionOperations: Record<string, Generator> = {
  list_sessions: listSessions,
  create_session: createSession,
  get_session: (making) =>
    onSession(making, () => ({ query: given({ history_limit: making.choose.of(undefined, '2') }) })),
  update_session: updateSession,
  rename_session: renameSession,
  delete_session: (making) =>
    onSession(making, (session) => ({ learn: () => session && making.ledger.removeSession(session.id) })),
  delete_sessions: deleteSessions,
  list_session_runs: listSessionRuns,
  get_session_run: getSessionRun,
  fork_agent_session: forkSession('agent'),
  fork_team_session: forkSession('team'),
}
