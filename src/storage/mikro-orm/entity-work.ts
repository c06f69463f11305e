import type { EntityManager } from '@mikro-orm/sql'

/** How a dialect lets ordinary records be read and written, beside the hot path. */
export interface EntityWork {
  /** Reads what is committed. */
  read<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result>
  /** All of it or nothing, and nothing of others in between. No code of users runs inside. */
  transaction<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result>
  /** The function that finds a text in a text, from 1. */
  readonly position: 'instr' | 'strpos'
  /** What follows a table's name so that it is read in the order of this index; undefined where the planner knows. */
  inOrderOf(index: string): string | undefined
}
