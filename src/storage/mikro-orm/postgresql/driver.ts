import type { Configuration } from '@mikro-orm/core'
import { AbstractSqlDriver, PostgreSqlConnection, PostgreSqlPlatform } from '@mikro-orm/postgresql'
import { withoutNul } from './native.js'

/** MikroORM writes values into the SQL text, which ends at a NUL. */
class NulFreePlatform extends PostgreSqlPlatform {
  override escape(value: unknown): string {
    return super.escape(typeof value === 'string' ? withoutNul(value) : value)
  }
}

/** MikroORM's PostgreSQL driver, on {@link NulFreePlatform}. */
export class NulFreePostgresDriver extends AbstractSqlDriver<PostgreSqlConnection> {
  constructor(config: Configuration) {
    super(config, new NulFreePlatform(), PostgreSqlConnection, ['kysely', 'pg'])
  }
}
