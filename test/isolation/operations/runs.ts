import { actsFor, given, MISSING, pick } from '../call.js'
import type { Call, Generator, Making } from '../call.js'
import type { RunRow } from '../ledger.js'
import { AGENTS } from '../world.js'
import type { Answer } from '../world.js'

const VERBS = ['say', 'note', 'confirm', 'pay', 'audit', 'look', 'fail', 'break'] as const

/** The id in a header, in a record, or in the first event of a stream. */
function idIn({ headers, text }: Answer, name: 'run_id' | 'session_id'): string {
  const header = headers.get(name === 'run_id' ? 'x-run-id' : 'x-session-id')
  return header ?? new RegExp(`"${name}":"([^"]+)"`).exec(text)![1]!
}

/** A run that an answer tells of; its session, too, where it is new. */
function noteRun(
  { ledger, actor, world }: Making,
  answer: Answer,
  run: Omit<RunRow, 'kind' | 'id' | 'sessionId'>,
  name = '',
): void {
  const [id, sessionId] = [idIn(answer, 'run_id'), idIn(answer, 'session_id')]
  const session = ledger.sessions.get(sessionId)
  if (!session) {
    const row = { type: 'agent', name, componentId: run.agentId, owner: run.owner } as const
    ledger.add({ kind: 'session', id: sessionId, ...row })
  } else {
    session.componentId ??= run.agentId
    if (session.name === '') session.name = name
  }
  ledger.add({ kind: 'run', id, sessionId, ...run })
  ledger.moved(id, actor.principal.userId)
  world.unsettled.add(id)
}

const createRun: Generator = (making) => {
  const { choose, ledger, actor, world } = making
  const session = choose.once(2) ? pick(making, 'session') : undefined
  const agentId = session?.componentId ?? choose.of(...AGENTS)
  const { owner, userId } = actsFor(making)
  const writer = session?.owner ?? owner
  const message = `${choose.of(...VERBS)} ${ledger.canary(writer)}`
  const repeated = choose.once(8) && ledger.keys.length > 0 ? choose.of(...ledger.keys.slice(-8)) : undefined
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
    ...choose.maybe(() => ({ webhook: { url: world.posts.urlOf(session ? writer : owner) } })),
    ...choose.of(
      {},
      { stream: true },
      { background: true },
      { stream: true, background: true },
      { add_session_state_to_context: true },
    ),
    ...choose.maybe(() => ({ concurrency: choose.of('queue', 'allow', 'interrupt', 'rollback', 'reject') })),
  }
  const key = repeated?.key ?? (choose.once(4) ? `key-${ledger.keys.length}` : undefined)
  if (repeated) ledger.guesses(actor.principal.number, JSON.stringify(body))
  if (key !== undefined && !repeated && !session && !('webhook' in body)) ledger.keys.push({ key, body })
  return {
    params: { agent_id: agentId },
    body,
    headers: given({ 'idempotency-key': key }),
    names: repeated ? [] : [session, taken].flatMap((row) => row ?? []),
    refused: session ? 'SESSION_NOT_FOUND' : 'RUN_EXISTS',
    writesFor: owner,
    learn: (answer) => {
      const named = (body as { user_id?: string }).user_id
      const whose = named === undefined ? actor.principal.number : ledger.numberOf(named)
      // What was said with a key before belongs to whoever has said it first, or to a new run.
      noteRun(making, answer, { agentId, owner: whose }, (body as { message: string }).message)
    },
  }
}

const listRuns: Generator = (making) => {
  const { choose, ledger, actor } = making
  const session = choose.once(2) ? pick(making, 'session') : undefined
  const agentId = session?.componentId ?? choose.of(...AGENTS)
  const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('runs') ?? []), undefined) : undefined
  return {
    params: { agent_id: agentId },
    query: given({ session_id: session?.id, limit: choose.of('3', '1', '1000', undefined), cursor }),
    names: session ? [session] : [],
    ...(actor.scoped && {
      list: runList(
        making,
        (run) => run.agentId === agentId && (!session || run.sessionId === session.id),
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

/** A call about one run. */
function onRun(making: Making, more: Omit<Call, 'params' | 'names'> & { params?: Record<string, string> } = {}): Call {
  const { choose } = making
  const run = pick(making, 'run')
  const isElsewhere = choose.once(9)
  const agentId = isElsewhere ? choose.of(...AGENTS) : (run?.agentId ?? AGENTS[0])
  return {
    ...more,
    params: { agent_id: agentId, run_id: run?.id ?? MISSING.run, ...more.params },
    names: run ? [run] : [],
  }
}

/** Its session, or that of somebody else. */
function sessionOf(making: Making): Record<string, string> {
  const other = making.choose.once(6) ? pick(making, 'session') : undefined
  return given({ session_id: other?.id })
}

const continueRun: Generator = (making) => {
  const { choose, ledger, world, actor } = making
  const run = pick(making, 'run')
  const agentId = run?.agentId ?? AGENTS[0]
  const canary = ledger.canary(run?.owner ?? actor.principal.number)
  const decided = { tools: [{ tool_call_id: 'call_1', confirmed: choose.of(true, false), note: canary }] }
  const body = {
    ...choose.of<Record<string, unknown>>(
      decided,
      { input: `say ${canary}` },
      { fork: true, input: `say ${canary}` },
      { regenerate: true, additional_instructions: canary },
      {},
      { ...decided, dependencies: { secret: canary } },
    ),
    ...choose.of({}, { stream: true }, { background: true }),
  }
  return {
    params: { agent_id: agentId, run_id: run?.id ?? MISSING.run },
    body,
    names: run ? [run] : [],
    learn: (answer) => {
      if (!run) return
      const id = idIn(answer, 'run_id')
      if (id !== run.id) ledger.add({ ...run, id })
      for (const by of ledger.movers.get(run.id) ?? []) ledger.moved(id, by)
      ledger.moved(id, actor.principal.userId)
      world.unsettled.add(id)
    },
  }
}

export const runOperations: Record<string, Generator> = {
  create_agent_run: createRun,
  list_agent_runs: listRuns,
  get_agent_run: (making) => onRun(making, { query: sessionOf(making) }),
  cancel_agent_run: (making) => onRun(making, { body: sessionOf(making) }),
  resume_agent_run: (making) =>
    onRun(making, { body: { ...making.choose.maybe(() => ({ last_event_index: making.choose.of(0, 2, 9) })) } }),
  follow_agent_run: (making) =>
    onRun(making, { query: given({ last_event_index: making.choose.of(undefined, '0', '3') }) }),
  continue_agent_run: continueRun,
  list_agent_run_checkpoints: (making) => onRun(making),
  get_agent_run_checkpoint: (making) => onRun(making, { params: { message_index: making.choose.of('1', '2', '3') } }),
}
