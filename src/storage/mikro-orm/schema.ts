import { assertUsable, planMigration } from '../../database/migration-plan.js'
import { migrationInProgress } from '../../database/migration-errors.js'
import type {
  MigrationOrder,
  MigrationPlan,
  MigrationStep,
  SchemaRepository,
} from '../../database/schema-repository.js'
import { migrate, migrateTo, statementsOf, versionsOf, type MigrationTarget } from './migrate.js'

/** The schema of an open database, for every dialect: its version, and whether this code may work on it. */
export class Schema implements SchemaRepository {
  /** Whether {@link ready} has found it usable, and nobody has migrated it here since. */
  isReady = false
  private settling: Promise<void> = Promise.resolve()
  /** From the first look on, or from the first order on, only orders change the schema. */
  private isSettled = false
  private migrating = 0

  constructor(private readonly target: MigrationTarget) {}

  /**
   * Resolves when this code can work on the schema. With `auto` it brings the schema up to date, the first time.
   *
   * @throws UnavailableError `NOT_READY`
   */
  ready(mode: 'auto' | 'check'): Promise<void> {
    // One after the other: whoever only checks must not have the others refused.
    const settled = this.settling.then(() => (this.isReady ? undefined : this.settle(mode)))
    this.settling = settled.catch(() => undefined)
    return settled
  }

  /** @throws UnavailableError `NOT_READY` when this code can't work on the schema as it is. */
  async check(): Promise<void> {
    assertUsable(await this.target.version(), versionsOf(this.target))
  }

  versions(): Promise<readonly string[]> {
    return Promise.resolve(versionsOf(this.target))
  }

  version(): Promise<string | undefined> {
    return this.target.version()
  }

  async migrate(order: MigrationOrder, options: { wait: boolean }): Promise<MigrationPlan> {
    if (this.migrating > 0 && !options.wait) throw migrationInProgress()
    this.migrating++
    try {
      const plan = await migrateTo(this.target, order, options)
      this.isSettled = true
      return plan
    } finally {
      this.migrating--
      this.isReady = false
    }
  }

  async preview(order: MigrationOrder): Promise<MigrationPlan & { steps: readonly MigrationStep[] }> {
    const plan = planMigration(await this.target.version(), order, versionsOf(this.target))
    return { ...plan, steps: await statementsOf(this.target, plan) }
  }

  private async settle(mode: 'auto' | 'check'): Promise<void> {
    if (this.isSettled) await this.check()
    else await migrate(this.target, mode)
    this.isSettled = true
    this.isReady = true
  }
}
