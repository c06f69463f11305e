/** Limits of runs; times in milliseconds. */
export interface RunSettings {
  /** How long a streamed run goes on when nobody reads it any more. Default: 30 s. */
  disconnectGraceMs: number
  /** Runs that wait in the database from which on a further one is refused. Default: 10,000. */
  maxPending: number
  /** Hosts of media that need not be on the public internet, as `name:port`. Default: none. */
  mediaHosts: readonly string[]
  /** How long `cancel` waits for whoever executes the run, before it ends the run itself. Default: 2 s. */
  cancelWaitMs: number
  /** How long `stop` waits for runs that are going on. Default: 25 s. */
  stopDeadlineMs: number
  /** How often a follower looks for what no message has told it. Default: 1 s. */
  pollMs: number
  /** Runs that this process executes at once; others wait. Default: 100. */
  maxExecuting: number
  /** How long this process is believed to live without a word from it; a dead one's runs go on after that. Default: 30 s. */
  leaseMs: number
  /** How often runs are looked for that wait or have lost their process. Default: 5 s. */
  sweepMs: number
  /** Attempts after which a run that keeps crashing its process ends as `RECOVERY_EXHAUSTED`. Default: 5. */
  maxAttempts: number
}

export const defaultRunSettings: RunSettings = {
  disconnectGraceMs: 30_000,
  maxPending: 10_000,
  mediaHosts: [],
  cancelWaitMs: 2_000,
  stopDeadlineMs: 25_000,
  pollMs: 1_000,
  maxExecuting: 100,
  leaseMs: 30_000,
  sweepMs: 5_000,
  maxAttempts: 5,
}
