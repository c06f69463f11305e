import type { Call, ListCheck } from './call.js'
import { Choices } from './choices.js'
import type { DescribedOperation } from './described.js'
import type { Row, RunRow } from './ledger.js'
import { generators } from './operations/index.js'
import { learnOf, pathOf } from './run-records.js'
import type { ApprovalRecord, RunRecord } from './run-records.js'
import type { Actor, Answer, Sent, World } from './world.js'

/** An operation of a property: who calls what, and the small numbers that the rest is made of. */
export interface Step {
  operation: string
  actor: number
  numbers: number[]
}

interface Ready {
  operation: DescribedOperation
  actor: Actor
  call: Call
  choose: Choices
}

const SELF_TOLD = /"(?:request_id|search_time_ms)":[^,}]+/g
/** Who has decided is told to whoever has asked. */
const RESOLVER = /"resolved_by":"[^"]*"|was (?:approved|rejected) by [^.]*\./g
const LISTS: Record<string, string> = {
  list_sessions: 'sessions',
  list_approvals: 'approvals',
  list_service_accounts: 'accounts',
}

const AUDITED = [
  'list_sessions',
  'list_agent_runs',
  'list_team_runs',
  'list_workflow_runs',
  'list_approvals',
  'list_service_accounts',
]

/** Plays steps against a world, and holds each answer against the model. */
export class Player {
  /** How many calls were made, by operation and kind of caller. */
  readonly counts = new Map<string, number>()
  /** Operations that have done for somebody what they are there for. */
  readonly succeeded = new Set<string>()
  played = 0
  compared = 0
  listed = 0
  mismatches = 0

  constructor(
    private readonly world: World,
    private readonly operations: readonly DescribedOperation[],
  ) {}

  /** Plays some steps at once, but one after the other what is about the same principals' rows. */
  async playTogether(steps: readonly Step[]): Promise<void> {
    const groups: { owners: Set<number>; steps: Ready[] }[] = []
    for (const step of steps) {
      const ready = this.ready(step)
      const owners = new Set([ready.actor.principal.number, ...(ready.call.names ?? []).map(({ owner }) => owner)])
      if (ready.call.writesFor !== undefined) owners.add(ready.call.writesFor)
      const group = groups.find((one) => [...owners].some((owner) => one.owners.has(owner)))
      if (!group) groups.push({ owners, steps: [ready] })
      else {
        for (const owner of owners) group.owners.add(owner)
        group.steps.push(ready)
      }
    }
    const settled = await Promise.allSettled(
      groups.map(async ({ steps: own }) => {
        for (const one of own) await this.play(one)
      }),
    )
    for (const one of settled) if (one.status === 'rejected') throw one.reason
    await this.settle()
    this.checkExecutions()
  }

  /** Everything that each of those who see their own rows only can list is what the model knows of them. */
  async audit(): Promise<void> {
    for (const actor of this.world.actors.filter(({ scoped, kind }) => scoped && kind !== 'limited')) {
      for (const operation of AUDITED) {
        // All zeros: the plainest call, whose whole answer is compared.
        if (operation === 'list_approvals' && actor.kind === 'approver') continue
        await this.play(this.ready({ operation, actor: this.world.actors.indexOf(actor), numbers: [0] }))
      }
    }
    for (const { number, text } of this.world.posts.received.splice(0)) {
      this.refuse(this.world.ledger.leaksIn(text, number, ''), `A webhook of ${number}`, text)
    }
  }

  private ready({ operation: id, actor: at, numbers }: Step): Ready {
    const operation = this.operations.find((one) => one.operationId === id)!
    const actor = this.world.actors[at % this.world.actors.length]!
    const choose = new Choices(numbers)
    const call = generators[id]!({ choose, actor, world: this.world, ledger: this.world.ledger })
    return { operation, actor, call, choose }
  }

  private async play({ operation, actor, call, choose }: Ready): Promise<void> {
    const named = namedUser(this.world, operation, actor, call, choose)
    const sent = sentOf(operation, named?.call ?? call)
    const told = `${actor.kind} ${actor.principal.number}: ${sent.method} ${sent.path} ${JSON.stringify([sent.body, sent.headers])}`
    const foreign = (call.names ?? []).filter((row) => !this.sees(actor, row, operation))
    const before = foreign.length > 0 ? await this.looks(foreign) : ''
    const answer = await this.world.send(sent, actor)
    this.played += 1
    const line = `${operation.name} ${actor.kind}`
    this.counts.set(line, (this.counts.get(line) ?? 0) + 1)
    const got = `${told} → ${answer.status} ${answer.text.slice(0, 1500)}`
    if (answer.status >= 500) throw new Error(`It fails: ${got}`)
    if (call.never !== undefined && answer.code === call.never) throw new Error(`It tells of another: ${got}`)
    this.checkLeaks(operation, actor, sent, answer, got)
    const isRefused = await this.checkRefusal(operation, actor, call, sent, answer, foreign, named?.code, got)
    if (foreign.length > 0 && (await this.looks(foreign)) !== before)
      throw new Error(`It changes what is not its own: ${got}`)
    if (isRefused || answer.status >= 400) return
    this.succeeded.add(operation.operationId)
    if (foreign.length > 0) return
    try {
      await call.learn?.(answer)
    } catch (error) {
      throw new Error(`It is not what the model knows: ${got}`, { cause: error })
    }
    this.keepCursor(operation, answer)
    if (call.list) await this.checkList(operation, actor, call, sent, answer, call.list, got)
  }

  private sees(actor: Actor, row: Row, { path }: DescribedOperation): boolean {
    if (!actor.scoped || (row.owner === actor.principal.number && row.owner !== 0)) return true
    return actor.kind === 'approver' && path.startsWith('/approvals')
  }

  private checkLeaks({ path }: DescribedOperation, actor: Actor, sent: Sent, answer: Answer, got: string): void {
    if (!actor.scoped || (actor.kind === 'approver' && path.startsWith('/approvals'))) return
    const headers = [...answer.headers].filter(([name]) => name !== 'x-request-id').map((one) => one.join(': '))
    const all = [answer.text.replaceAll(SELF_TOLD, '').replaceAll(RESOLVER, ''), ...headers].join('\n')
    const said = [decodeURIComponent(sent.path), JSON.stringify([sent.body, sent.headers])].join('\n')
    this.refuse(this.world.ledger.leaksIn(all, actor.principal.number, said), got, '')
  }

  private refuse(leaks: readonly string[], who: string, text: string): void {
    if (leaks.length > 0) throw new Error(`It shows what is not its own, ${leaks.join(', ')}: ${who} ${text}`)
  }

  /** Whether it had to be refused, and was, in the words that say nothing. */
  private async checkRefusal(
    operation: DescribedOperation,
    actor: Actor,
    call: Call,
    sent: Sent,
    answer: Answer,
    foreign: readonly Row[],
    named: string | undefined,
    got: string,
  ): Promise<boolean> {
    if (!operation.isPublic && actor.kind !== 'anonymous' && !holds(actor, operation, call)) {
      if (answer.code !== 'INSUFFICIENT_SCOPE') throw new Error(`It asks for no scope: ${got}`)
      return true
    }
    if (named !== undefined) {
      this.mismatches += 1
      if (answer.status !== 403 || answer.code !== named) throw new Error(`It takes another user's name: ${got}`)
      return true
    }
    if (foreign.length === 0) return false
    this.compared += 1
    if (call.refused !== undefined) {
      const expected = call.refused === 'SESSION_NOT_FOUND' ? 404 : 409
      if (answer.status !== expected || answer.code !== call.refused)
        throw new Error(`It takes what is not its own: ${got}`)
      return true
    }
    const inPath = foreign.some(({ id }) => decodeURIComponent(sent.path.split('?')[0]!).includes(id))
    if (inPath && answer.status !== 404) throw new Error(`It finds what is not its own: ${got}`)
    const none = await this.world.send(withMissing(sent, foreign), actor)
    const [here, there] = [said(answer, foreign), said(none, [])]
    if (here !== there) throw new Error(`It can be told from what is not there: ${got}\n${here}\n${there}`)
    return answer.status >= 400
  }

  /** Rows as an admin sees them. */
  private async looks(rows: readonly Row[]): Promise<string> {
    await this.settle()
    const texts = rows.map(async (row) => {
      const path = {
        session: `/sessions/${encodeURIComponent(row.id)}`,
        run: row.kind === 'run' ? pathOf(row) : '',
        approval: `/approvals/${row.id}`,
        account: '/service-accounts?limit=1000',
      }[row.kind]
      const { text } = await this.world.send({ method: 'GET', path }, this.world.admin)
      if (row.kind !== 'account') return text.replaceAll(SELF_TOLD, '')
      return text
        .split('{"id"')
        .find((one) => one.includes(row.id))
        ?.replace(/"last_used_at":[^,]+/, '')
    })
    return (await Promise.all(texts)).join('\n')
  }

  private keepCursor({ operationId }: DescribedOperation, { headers, body }: Answer): void {
    const next = (body?.meta?.next_cursor as string | undefined) ?? headers.get('x-next-cursor')
    if (!next) return
    const list = LISTS[operationId] ?? 'runs'
    this.world.ledger.cursors.set(list, [...(this.world.ledger.cursors.get(list) ?? []), next].slice(-10))
  }

  /** All pages together are what the model knows, and each says how many there are. */
  private async checkList(
    operation: DescribedOperation,
    actor: Actor,
    call: Call,
    sent: Sent,
    first: Answer,
    { idsOf, expected, order }: ListCheck,
    got: string,
  ): Promise<void> {
    // From the place of another's cursor on there is some of it; that nothing else is there was checked.
    if (call.query?.cursor !== undefined) return
    this.listed += 1
    await this.settle()
    const rows = await expected()
    const own = rows.map(({ id }) => id).toSorted()
    const found: string[] = []
    const values: string[] = []
    let answer = first

    for (;;) {
      const total = Number(answer.body.meta?.total_count ?? answer.headers.get('x-total-count'))
      if (total !== own.length)
        throw new Error(`It counts ${total} rows where there are ${own.length} of its own: ${got}`)
      found.push(...idsOf(answer.body))
      if (order)
        values.push(
          ...(answer.body.data as Record<string, string>[]).map((row) => String(row[order.key]).toLowerCase()),
        )
      const next = (answer.body.meta?.next_cursor as string | undefined) ?? answer.headers.get('x-next-cursor')
      if (!next) break
      answer = await this.world.send(sentOf(operation, { ...call, query: { ...call.query, cursor: next } }), actor)
      this.checkLeaks(operation, actor, sent, answer, `${got} and its next page ${answer.text}`)
    }
    const listedIds = found.toSorted()
    if (listedIds.join() !== own.join()) {
      const missing = own.filter((id) => !found.includes(id))
      const more = found.filter((id) => !own.includes(id))
      throw new Error(`Its list lacks [${missing.join()}] and has too much [${more.join()}]: ${got}`)
    }
    const sorted = order?.descending ? values.toSorted().reverse() : values.toSorted()
    if (values.join() !== sorted.join()) throw new Error(`Its list is in no order, ${values.join()}: ${got}`)
  }

  /** Waits for runs that go on in the background, and learns what they have started and what they wait for. */
  private async settle(): Promise<void> {
    const { unsettled, ledger } = this.world
    for (const id of unsettled) {
      const run = ledger.runs.get(id)
      if (run) learnOf(ledger, run, await this.ended(run))
      const { data } = await this.world.ask(`/approvals?run_id=${encodeURIComponent(id)}`)
      for (const { id: approvalId, session_id: sessionId, status } of data as ApprovalRecord[]) {
        const known = ledger.approvals.get(approvalId)
        const owner = run?.owner ?? known?.owner
        const isPending = status === 'pending'
        if (known) known.isPending = isPending
        else if (owner !== undefined)
          ledger.add({ kind: 'approval', id: approvalId, owner, runId: id, sessionId, isPending })
      }
      unsettled.delete(id)
    }
  }

  private async ended(run: RunRow): Promise<RunRecord> {
    for (;;) {
      const record = (await this.world.ask(pathOf(run))) as RunRecord
      const { status, pause_kind: waitsFor } = record
      // What was sent to it is on its way.
      const goesOn = status === 'paused' && waitsFor === 'event' && (run.events ?? 0) > 0
      if (status !== 'pending' && status !== 'running' && !goesOn) return record
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  /** Tools have run with the rights of those only who have started or continued the run. */
  private checkExecutions(): void {
    const { executions, ledger } = this.world
    for (const { runId, userId, caller } of executions.splice(0)) {
      const run = ledger.runs.get(runId)
      if (!run) continue
      const movers = ledger.moversOf(run)
      const told = `A tool of run ${runId} of ${run.owner} ran for ${userId} as ${JSON.stringify(caller)}`
      if (ledger.numberOf(userId) !== run.owner) throw new Error(`${told}, which is not its owner`)
      if (movers && !movers.has(caller.userId)) throw new Error(`${told}, whom nobody has asked to move it`)
      if (caller.scoped && caller.userId !== userId) throw new Error(`${told}, who may not see it`)
    }
  }
}

function sentOf(
  { method, path, params: described }: DescribedOperation,
  { params = {}, query = {}, body, headers }: Call,
): Sent {
  const filled = described.reduce((all, { name }) => all.replace(`{${name}}`, encodeURIComponent(params[name]!)), path)
  const search = new URLSearchParams(query).toString()
  return {
    method,
    path: search === '' ? filled : `${filled}?${search}`,
    ...(body && { body }),
    ...(headers && { headers }),
  }
}

/** Now and then a call names somebody else, at one of the places where it can: the code that has to refuse it. */
function namedUser(world: World, { userPlaces }: DescribedOperation, actor: Actor, call: Call, choose: Choices) {
  if (!actor.scoped || userPlaces.length === 0 || !choose.once(4)) return undefined
  if (actor.kind === 'approver' && call.body === undefined) return undefined
  const others = world.actors.filter(({ principal }) => principal.userId !== undefined && principal !== actor.principal)
  const userId = choose.of(...others).principal.userId!
  const place = choose.of(...userPlaces)
  const [query, body] = [
    { ...call.query, ...(place === 'query' && { user_id: userId }) },
    call.body && { ...call.body, ...(place === 'body' && { user_id: userId }) },
  ]
  return {
    call: { ...call, query, ...(body && { body }), ...(place === 'body' && !body && { body: { user_id: userId } }) },
    code: userId.startsWith('sa:') ? 'RESERVED_PRINCIPAL' : 'USER_MISMATCH',
  }
}

function holds({ scopes }: Actor, { scopes: needed }: DescribedOperation, { params = {} }: Call): boolean {
  if (scopes.includes('agent_os:admin')) return true
  return needed.every((scope) => {
    const component = params.agent_id ?? params.team_id ?? params.workflow_id
    const named = scope.replace(':', `:${component ?? ''}:`)
    // A list is open to whoever may read some of it.
    const ofSome =
      component === undefined && scope === 'agents:read' && scopes.some((one) => /^agents:\w+:read$/.test(one))
    return scopes.includes(scope) || scopes.includes(named) || ofSome
  })
}

const missingOf = (id: string): string => `${id.slice(0, -3)}zzz`

/** The same, about rows that are not there. */
function withMissing({ method, path, body, headers }: Sent, rows: readonly Row[]): Sent {
  const replaced = (text: string, as: (id: string) => string): string =>
    rows.reduce((all, { id }) => all.replaceAll(as(id), as(missingOf(id))), text)
  return {
    method,
    path: replaced(path, encodeURIComponent),
    ...(body !== undefined && { body: JSON.parse(replaced(JSON.stringify(body), (id) => id)) as unknown }),
    ...(headers && { headers }),
  }
}

/** What an answer says, but for what differs between any two. */
function said({ status, headers, text }: Answer, rows: readonly Row[]): string {
  const shown = [...headers]
    .filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name))
    .map((one) => one.join(': '))
  const plain = text.replaceAll(SELF_TOLD, '').replace(/^: .*$/gm, '')
  return rows.reduce((all, { id }) => all.replaceAll(id, missingOf(id)), [status, ...shown, plain].join('\n'))
}
