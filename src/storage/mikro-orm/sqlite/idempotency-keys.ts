import type { AcceptUnit } from '../../../runs/run-repository.js'
import { keyReused } from '../accept-rules.js'
import type { NativeDatabase, Statement } from './native.js'

const SWEEP_EVERY_MS = 60_000

type Idempotency = NonNullable<AcceptUnit['idempotency']>

/** Which run a request with an `Idempotency-Key` became; used from inside a unit. */
export class IdempotencyKeys {
  private readonly select: Statement<[string, string, number], { fingerprint: string; run_id: string }>
  private readonly upsert: Statement<[string, string, string, string, number], never>
  private readonly deleteExpired: Statement<[number], never>
  private sweptAt = 0

  constructor(database: NativeDatabase) {
    this.select = database.prepare(`SELECT fingerprint, run_id FROM agentos_idempotency_keys
      WHERE scope = ? AND key = ? AND expires_at > ?`)
    this.upsert = database.prepare(`INSERT OR REPLACE INTO agentos_idempotency_keys
      (scope, key, fingerprint, run_id, expires_at) VALUES (?, ?, ?, ?, ?)`)
    this.deleteExpired = database.prepare(`DELETE FROM agentos_idempotency_keys WHERE (scope, key) IN
      (SELECT scope, key FROM agentos_idempotency_keys WHERE expires_at <= ? LIMIT 1000)`)
  }

  /**
   * The run that the same request became before.
   *
   * @throws ConflictError `IDEMPOTENCY_KEY_REUSED` when the key came with another request.
   */
  find({ scope, key, fingerprint }: Idempotency, now: number): string | undefined {
    const known = this.select.get(scope, key, now)
    if (!known) return undefined
    if (known.fingerprint === fingerprint) return known.run_id
    throw keyReused(key)
  }

  store({ scope, key, fingerprint, expiresAt }: Idempotency, runId: string, now: number): void {
    this.upsert.run(scope, key, fingerprint, runId, expiresAt)
    if (now < this.sweptAt + SWEEP_EVERY_MS) return
    this.sweptAt = now
    this.deleteExpired.run(now)
  }
}
