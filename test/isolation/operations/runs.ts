import { actsFor, given, MISSING, pick } from '../call.js'
import type { Call, Generator, Making } from '../call.js'
import type { Component, RunRow } from '../ledger.js'
import { COMPONENTS, VERBS } from '../components.js'
import type { Answer } from '../world.js'

type Kind = Component['kind']

/** The id in a header, in a record, or in the first event of a stream. */
function idIn({ headers, text }: Answer, name: 'run_id' | 'session_id'): string {
  const header = headers.get(name === 'run_id' ? 'x-run-id' : 'x-session-id')
  return header ?? new RegExp(`"${name}":"([^"]+)"`).exec(text)![1]!
}

/** A run that an answer tells of; its session, too, where it is new. */
function noteRun(
  { ledger, actor, world }: Making,
  answer: Answer,
  run: Pick<RunRow, 'component' | 'owner'>,
  name = '',
): void {
  const [id, sessionId] = [idIn(answer, 'run_id'), idIn(answer, 'session_id')]
  const session = ledger.sessions.get(sessionId)
  const { kind: type, id: componentId } = run.component
  if (!session) {
    ledger.add({ kind: 'session', id: sessionId, type, name, componentId, owner: run.owner })
  } else {
    session.componentId ??= componentId
    if (session.name === '') session.name = name
  }
  ledger.add({ kind: 'run', id, sessionId, ...run })
  ledger.moved(id, actor.principal.userId)
  world.unsettled.add(id)
}

/** The path parameter that names a component. */
function named({ kind, id }: Component): Record<string, string> {
  return { [`${kind}_id`]: id }
}

/** A session of the kind, or now and then of another. */
function sessionFor(making: Making, kind: Kind) {
  return pick(making, 'session', undefined, ({ type }) => type === kind)
}

const createRun =
  (kind: Kind): Generator =>
  (making) => {
    const { choose, ledger, actor, world } = making
    const session = choose.once(2) ? sessionFor(making, kind) : undefined
    const own = { kind, id: (session?.type === kind && session.componentId) || choose.of(...COMPONENTS[kind]) }
    const { owner, userId } = actsFor(making)
    const writer = session?.owner ?? owner
    const message = `${choose.of(...VERBS[kind])} ${ledger.canary(writer)}`
    const keys = ledger.keys.filter((one) => one.component.kind === kind).slice(-12)
    const repeated = choose.once(8) && keys.length > 0 ? choose.of(...keys) : undefined
    const component = repeated?.component ?? own
    const taken = !session && !repeated && choose.once(12) ? pick(making, 'run') : undefined
    const body = repeated?.body ?? {
      message,
      ...given({
        session_id: session?.id ?? (choose.once(5) ? `chosen-${writer}-${ledger.canary(writer)}` : undefined),
        user_id: userId,
        run_id: taken?.id ?? (choose.once(6) ? `mine-${ledger.canary(writer)}` : undefined),
      }),
      ...choose.maybe(() => ({ session_state: { [ledger.canary(writer)]: ledger.canary(writer) } })),
      ...choose.maybe(() => ({ metadata: { [ledger.canary(owner)]: ledger.canary(owner) } })),
      ...choose.maybe(() => ({ dependencies: { secret: ledger.canary(owner) } })),
      // What is posted holds the history of the session, and what the run was given.
      ...(writer === owner && choose.maybe(() => ({ webhook: { url: world.posts.urlOf(owner) } }))),
      ...choose.of(
        {},
        { stream: true },
        { background: true },
        { stream: true, background: true },
        { add_session_state_to_context: true },
      ),
      ...choose.maybe(() => ({ concurrency: choose.of('queue', 'allow', 'interrupt', 'rollback', 'reject') })),
      ...choose.maybe(() => ({ additional_data: { secret: ledger.canary(owner) } })),
    }
    const key = repeated?.key ?? (choose.once(4) ? `key-${ledger.keys.length}` : undefined)
    if (repeated) ledger.guesses(actor.principal.number, JSON.stringify(body))
    const by = actor.principal.number
    if (key !== undefined && !repeated && !session && !('webhook' in body))
      ledger.keys.push({ key, by, component, body })
    return {
      params: named(component),
      body,
      headers: given({ 'idempotency-key': key }),
      names: repeated ? [] : [session, taken].flatMap((row) => row ?? []),
      ...(repeated && repeated.by !== by && { never: 'IDEMPOTENCY_KEY_REUSED' }),
      refused: session ? 'SESSION_NOT_FOUND' : 'RUN_EXISTS',
      writesFor: owner,
      learn: (answer) => {
        const forUser = (body as { user_id?: string }).user_id
        const whose = forUser === undefined ? actor.principal.number : ledger.numberOf(forUser)
        // What was said with a key before belongs to whoever has said it first, or to a new run.
        noteRun(making, answer, { component, owner: whose }, (body as { message: string }).message)
      },
    }
  }

const listRuns =
  (kind: Kind): Generator =>
  (making) => {
    const { choose, ledger, actor } = making
    const session = choose.once(2) ? sessionFor(making, kind) : undefined
    const component = { kind, id: (session?.type === kind && session.componentId) || choose.of(...COMPONENTS[kind]) }
    const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('runs') ?? []), undefined) : undefined
    return {
      params: named(component),
      query: given({ session_id: session?.id, limit: choose.of('3', '1', '1000', undefined), cursor }),
      names: session ? [session] : [],
      ...(actor.scoped && {
        list: runList(
          making,
          (run) =>
            run.parentId === undefined &&
            run.component.kind === kind &&
            run.component.id === component.id &&
            (!session || run.sessionId === session.id),
          actor.principal.number,
        ),
      }),
    }
  }

/** Runs of an owner's that fit. */
export function runList({ ledger }: Making, fits: (run: RunRow) => boolean, owner: number): NonNullable<Call['list']> {
  return {
    idsOf: (body: { run_id: string }[]) => body.map(({ run_id }) => run_id),
    expected: () => ledger.of(ledger.runs, owner).filter(fits),
  }
}

type More = Omit<Call, 'params' | 'names'> & { params?: Record<string, string> }

/** Calls about one run of a kind, also about one inside of another. */
export const onRun =
  (
    kind: Kind,
    more: (making: Making, run: RunRow | undefined) => More = () => ({}),
    prefers?: (run: RunRow) => boolean,
  ): Generator =>
  (making) => {
    const { choose } = making
    const run = pick(making, 'run', ({ component }) => component.kind === kind, prefers)
    const isElsewhere = choose.once(9)
    const id = isElsewhere || !run ? choose.of(...COMPONENTS[kind]) : run.component.id
    const { params, ...rest } = more(making, run)
    return {
      ...rest,
      params: { ...named({ kind, id }), run_id: run?.id ?? MISSING.run, ...params },
      names: run ? [run] : [],
    }
  }

export const waits = ({ isPaused = false }: RunRow): boolean => isPaused

/** Its session, or that of somebody else. */
function sessionOf(making: Making): Record<string, string> {
  const other = making.choose.once(6) ? pick(making, 'session') : undefined
  return given({ session_id: other?.id })
}

/** Learns of a run that was moved on, in place or in a copy. */
export const moves =
  ({ ledger, world, actor }: Making, run: RunRow | undefined): NonNullable<Call['learn']> =>
  (answer) => {
    if (!run) return
    const id = idIn(answer, 'run_id')
    if (id !== run.id) {
      const { waits: _waits, ...facts } = run
      ledger.add({ ...facts, id })
    }
    for (const by of ledger.movers.get(run.id) ?? []) ledger.moved(id, by)
    ledger.moved(id, actor.principal.userId)
    world.unsettled.add(id)
  }

const continueRun = (kind: Kind): Generator =>
  onRun(
    kind,
    (making, run) => {
      const { choose, ledger, actor } = making
      const canary = ledger.canary(run?.owner ?? actor.principal.number)
      const isYes = choose.of(true, false)
      const decided = { tools: [{ tool_call_id: 'call_1', confirmed: isYes, note: canary }] }
      const ids = run?.requirementIds ?? []
      const body = {
        ...choose.of<Record<string, unknown>>(
          { requirements: ids.map((id) => ({ id, confirmation: isYes, confirmation_note: canary })) },
          decided,
          { input: `say ${canary}` },
          { fork: true, input: `say ${canary}` },
          { regenerate: true, additional_instructions: canary },
          {},
          { ...decided, dependencies: { secret: canary } },
        ),
        ...choose.of({}, { stream: true }, { background: true }),
      }
      return { body, learn: moves(making, run) }
    },
    waits,
  )

function ofKind(kind: Kind): Record<string, Generator> {
  return {
    [`create_${kind}_run`]: createRun(kind),
    [`list_${kind}_runs`]: listRuns(kind),
    [`get_${kind}_run`]: onRun(kind, (making) => ({ query: sessionOf(making) })),
    [`cancel_${kind}_run`]: onRun(kind, (making, run) => ({
      body: sessionOf(making),
      learn: () => void (run && making.world.unsettled.add(run.id)),
    })),
    [`resume_${kind}_run`]: onRun(kind, ({ choose }) => ({
      body: { ...choose.maybe(() => ({ last_event_index: choose.of(0, 2, 9) })) },
    })),
    [`follow_${kind}_run`]: onRun(kind, ({ choose }) => ({
      query: given({ last_event_index: choose.of(undefined, '0', '3') }),
    })),
    ...(kind !== 'workflow' && {
      [`continue_${kind}_run`]: continueRun(kind),
      [`list_${kind}_run_checkpoints`]: onRun(kind),
      [`get_${kind}_run_checkpoint`]: onRun(kind, ({ choose }) => ({
        params: { message_index: choose.of('1', '2', '3') },
      })),
    }),
  }
}

export const runOperations: Record<string, Generator> = {
  ...ofKind('agent'),
  ...ofKind('team'),
  ...ofKind('workflow'),
}
