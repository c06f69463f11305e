import type { Storage } from './storage.js'

/** An open database. Handles on the same one share it. */
export interface OpenStorage extends Pick<
  Storage,
  'runs' | 'sessions' | 'media' | 'approvals' | 'webhooks' | 'serviceAccounts'
> {
  /** Resolves when the database answers and its schema is one for this code. */
  check(): Promise<void>
  /** From now on, what is answered survives a loss of power. */
  makeDurable(): void
  close(): Promise<void>
}
