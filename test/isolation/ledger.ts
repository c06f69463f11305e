/** Somebody whom rows belong to: a user, or a service account. */
export interface Principal {
  /** Stands in all texts that the principal writes. */
  number: number
  /** As rows name it; undefined for callers that nobody knows, whose rows are nobody's. */
  userId?: string
}

interface Owned {
  id: string
  /** Number of the principal. */
  owner: number
}

/** What is run. */
export interface Component {
  kind: 'agent' | 'team' | 'workflow'
  id: string
}

export interface SessionRow extends Owned {
  kind: 'session'
  type: Component['kind']
  name: string
  componentId?: string
}

export interface RunRow extends Owned {
  kind: 'run'
  sessionId: string
  component: Component
  /** Of a run inside of another. */
  parentId?: string
  /** It has been seen to wait for somebody or something. */
  isPaused?: boolean
  /** What an agent or a team waits for. */
  requirementIds?: readonly string[]
  /** Steps at which a workflow waits for somebody, as an admin has seen them. */
  waits?: readonly Wait[]
  /** Events that were sent to it, and for which a step of it waits or will wait. */
  events?: number
}

/** A step at which a workflow waits, and the requirements of what it runs. */
export interface Wait {
  stepId: string
  isError: boolean
  asks: 'confirmation' | 'input' | 'executor'
  requirementIds: readonly string[]
}

export interface ApprovalRow extends Owned {
  kind: 'approval'
  /** As it was seen last. */
  isPending: boolean
  runId: string
  sessionId: string
}

export interface AccountRow extends Owned {
  kind: 'account'
  name: string
  isRevoked: boolean
}

export type Row = SessionRow | RunRow | ApprovalRow | AccountRow

/** The rows of callers that nobody knows. */
export const NOBODY = 0

const CANARY = /canary-(\d+)-\d+x/g
const NAMED = /(?:user|acct)-(\d+)p/g
const SERVER_ID = /\b(?:[a-z]+_)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\bagno_pat_\w+/g
const CURSOR = /"next_cursor":"([\w-]+)"/g

/** The model: what there is, and whose it is. It only knows what it was told when things were made. */
export class Ledger {
  readonly principals: Principal[] = [{ number: NOBODY }]
  readonly sessions = new Map<string, SessionRow>()
  readonly runs = new Map<string, RunRow>()
  readonly approvals = new Map<string, ApprovalRow>()
  readonly accounts = new Map<string, AccountRow>()
  /** Idempotency keys that were sent, by whom and with what, so that others can send the same. */
  readonly keys: { key: string; by: number; component: Component; body: Record<string, unknown> }[] = []
  /** Cursors that somebody was given, by what they page. */
  readonly cursors = new Map<string, string[]>()
  /** Whoever has started or continued a run: the only ones whose rights its tools may have. */
  readonly movers = new Map<string, Set<string | undefined>>()
  /** Which principal an id was first shown to, or made for. */
  private readonly idOwners = new Map<string, number>()
  /** Account principals by the principal that has minted them: it may read their names. */
  private readonly minters = new Map<number, number>()
  /** Texts of others that a principal has sent itself, as whoever guesses a key does, by its number. */
  private readonly guessed = new Map<number, string>()
  /** Ids that everybody is shown. */
  private readonly shared = new Set<string>()
  private written = 0

  addPrincipal(userIdOf: (number: number) => string, minter?: number): Principal {
    const number = this.principals.length
    const principal = { number, userId: userIdOf(number) }
    this.principals.push(principal)
    if (minter !== undefined) this.minters.set(number, minter)
    return principal
  }

  numberOf(userId: string | undefined): number {
    const found = this.principals.find((one) => one.userId === userId)
    if (!found) throw new Error(`Nobody is ${userId}.`)
    return found.number
  }

  /** A text that nobody but this principal may read. */
  canary(owner: number): string {
    return `canary-${owner}-${(this.written += 1)}x`
  }

  own(id: string, owner: number): void {
    this.idOwners.set(id, owner)
  }

  add(row: Row): void {
    this.own(row.id, row.owner)
    if (row.kind === 'session') this.sessions.set(row.id, row)
    else if (row.kind === 'run') this.runs.set(row.id, row)
    else if (row.kind === 'approval') this.approvals.set(row.id, row)
    else this.accounts.set(row.id, row)
  }

  /** With its runs. Approvals stay, as the records that they are. */
  removeSession(id: string): void {
    this.sessions.delete(id)
    for (const run of this.runs.values()) if (run.sessionId === id) this.runs.delete(run.id)
  }

  moved(runId: string, by: string | undefined): void {
    this.movers.set(runId, (this.movers.get(runId) ?? new Set()).add(by))
  }

  /** Who has moved a run, or the one that it is inside of; undefined where nobody is known to. */
  moversOf(run: RunRow): ReadonlySet<string | undefined> | undefined {
    const parent = run.parentId === undefined ? undefined : this.runs.get(run.parentId)
    return parent ? this.moversOf(parent) : this.movers.get(run.id)
  }

  guesses(reader: number, text: string): void {
    this.guessed.set(reader, `${this.guessed.get(reader) ?? ''}${text}`)
  }

  share(text: string): void {
    for (const [id] of text.matchAll(SERVER_ID)) this.shared.add(id)
  }

  of<Kind extends Row>(rows: ReadonlyMap<string, Kind>, owner: number): Kind[] {
    // Nobody is nobody's owner: rows of callers that nobody knows are shown to none of them.
    return owner === NOBODY ? [] : [...rows.values()].filter((row) => row.owner === owner)
  }

  /** What of others stands in a text that this principal reads. What it has sent itself tells it nothing. */
  leaksIn(text: string, reader: number, justSent: string): string[] {
    const sent = justSent + (this.guessed.get(reader) ?? '')
    const cursors = Array.from(text.matchAll(CURSOR), ([, cursor]) => Buffer.from(cursor!, 'base64url').toString())
    const all = [text, ...cursors].join('\n')
    const leaks: string[] = []
    for (const [found, number] of all.matchAll(CANARY)) {
      if (Number(number) !== reader && !sent.includes(found)) leaks.push(found)
    }
    for (const [found, number] of all.matchAll(NAMED)) {
      const isKnown = Number(number) === reader || this.minters.get(Number(number)) === reader
      if (!isKnown && !sent.includes(found)) leaks.push(found)
    }
    for (const [id] of all.matchAll(SERVER_ID)) {
      if (this.shared.has(id)) continue
      const owner = this.idOwners.get(id)
      if (owner === undefined) this.own(id, reader)
      else if (owner !== reader && !sent.includes(id)) leaks.push(id)
    }
    return [...new Set(leaks)]
  }
}
