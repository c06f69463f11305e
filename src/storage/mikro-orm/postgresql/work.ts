import type { Bindable, Statement } from './native.js'
import type { View } from './view.js'
import type { Writes } from './writes.js'

/** Sends a statement inside of the transaction of a group. */
export type Query = <Row>(statement: Statement, values: readonly Bindable[]) => Promise<Row[]>

/** What a unit needs to see before it decides; the rows are locked until the group is committed. */
export interface Wants {
  /** The session, which may not be there yet. */
  sessionId?: string
  /** The run whose session is meant. */
  sessionOf?: string
  /** Runs that it changes, or that must be there. */
  runIds: readonly string[]
  /** At this time, whose turn is it in the session? Undefined: it does not matter. */
  lineAt?: number
  /** The run of `sessionOf` ends: it is none of those whose turn it can be. */
  ends?: boolean
  /** The session's state is changed. */
  state?: boolean
  idempotency?: { scope: string; key: string }
  /** It locks rows that it can't name before: no other unit is in its group. */
  isAlone?: boolean
}

/** What is done as a whole or not at all, together with others. */
export interface Unit<Result> {
  readonly wants: Wants
  /**
   * Decides on what is there, and says what is to be written. What it throws refuses it alone.
   *
   * @param isRepeat a COMMIT was sent for this unit before, and nobody knows what became of it.
   */
  decide(view: View, writes: Writes, isRepeat: boolean): Promise<Result>
}
