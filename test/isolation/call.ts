import type { Choices } from './choices.js'
import type { AccountRow, ApprovalRow, Ledger, Row, RunRow, SessionRow } from './ledger.js'
import type { Actor, Answer, World } from './world.js'

/** A list, and the rows that the model says are in it. */
export interface ListCheck {
  /** Its rows' ids. */
  idsOf(body: Answer['body']): string[]
  expected(): readonly Row[] | Promise<readonly Row[]>
  /** By what the rows are ordered, where they say so. */
  order?: { key: string; descending: boolean }
}

/** One call of an operation. */
export interface Call {
  params?: Record<string, string>
  query?: Record<string, string>
  body?: Record<string, unknown>
  headers?: Record<string, string>
  /** Rows that it names, anybody's. The answer about one that the caller may not see is that of one that is not there. */
  names?: readonly Row[]
  /** Where names are taken, or a missing row would be made: the code that refuses one that the caller may not see. */
  refused?: string
  /** A code that would tell of somebody else. */
  never?: string
  /** Whose rows it writes, where that is neither the caller nor an owner of a named row. */
  writesFor?: number
  list?: ListCheck
  /** Keeps the model true; called when the answer is a success. */
  learn?(answer: Answer): void | Promise<void>
}

/** What a generator makes a call of. */
export interface Making {
  choose: Choices
  actor: Actor
  world: World
  ledger: Ledger
}

/** Makes calls of an operation. */
export type Generator = (making: Making) => Call

type Kinds = { session: SessionRow; run: RunRow; approval: ApprovalRow; account: AccountRow }

/** A row of the actor's own, of somebody else's, or one that is not there; of those that fit, mostly a preferred one. */
export function pick<Kind extends keyof Kinds>(
  { choose, actor, ledger }: Making,
  kind: Kind,
  fits: (row: Kinds[Kind]) => boolean = () => true,
  prefers?: (row: Kinds[Kind]) => boolean,
): Kinds[Kind] | undefined {
  const all = [...(ledger[`${kind}s`] as unknown as ReadonlyMap<string, Kinds[Kind]>).values()].filter(fits)
  const own = all.filter((row) => row.owner === actor.principal.number)
  const others = all.filter((row) => row.owner !== actor.principal.number).slice(-40)
  const chosen = choose.of(own, others, own, others, [])
  const preferred = prefers && !choose.once(4) ? chosen.filter(prefers) : []
  const from = preferred.length > 0 ? preferred : chosen
  return from.length === 0 ? undefined : from[choose.next() % from.length]
}

/** A user that an actor may act for, beside itself. */
export function actsFor({ choose, actor, ledger, world }: Making): { owner: number; userId: string | undefined } {
  const { number, userId } = actor.principal
  if (actor.scoped || !choose.once(2)) return { owner: number, userId: choose.once(3) ? userId : undefined }
  const { principal } = choose.of(...world.actors.filter(({ kind }) => kind !== 'account' && kind !== 'anonymous'))
  return {
    owner: ledger.numberOf(principal.userId),
    userId: principal.userId?.startsWith('sa:') ? undefined : principal.userId,
  }
}

export const MISSING = {
  session: 'ses_0199c1f2-7a00-7000-8000-000000000000',
  run: 'run_0199c1f2-7a00-7000-8000-000000000000',
  approval: 'apr_0199c1f2-7a00-7000-8000-000000000000',
  account: '0199c1f2-7a00-7000-8000-000000000000',
} as const

/** Parameters without those that are undefined. */
export function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<string, string>
}
