import type { Configuration, Dictionary } from '@mikro-orm/core'
import { AbstractSqlDriver, SqliteConnection, SqlitePlatform } from '@mikro-orm/sqlite'

type Dialect = ReturnType<SqliteConnection['createKyselyDialect']>

/**
 * Transactions begin IMMEDIATE. A DEFERRED one that reads first and writes then fails at once when another process
 * has written in between, whatever the busy timeout.
 */
class ImmediateConnection extends SqliteConnection {
  override createKyselyDialect(options: Dictionary): Dialect {
    const dialect = super.createKyselyDialect(options)
    const createDriver = dialect.createDriver.bind(dialect)
    dialect.createDriver = () => {
      const driver = createDriver()
      driver.beginTransaction = async () => {
        const native = (await this.getNativeClient()) as { exec(sql: string): unknown }
        native.exec('BEGIN IMMEDIATE')
      }
      return driver
    }
    // Kysely never gives its own lock on the connection back when BEGIN fails, as it does while another process is
    // writing: whoever comes next would wait forever. The mutex of SqliteDatabase stands in front of it anyway.
    const createAdapter = dialect.createAdapter.bind(dialect)
    dialect.createAdapter = () => Object.defineProperty(createAdapter(), 'supportsMultipleConnections', { value: true })
    return dialect
  }
}

/** MikroORM's SQLite driver, on {@link ImmediateConnection}. */
export class ImmediateSqliteDriver extends AbstractSqlDriver<ImmediateConnection> {
  constructor(config: Configuration) {
    super(config, new SqlitePlatform(), ImmediateConnection, ['kysely', 'better-sqlite3'])
  }
}
