export { postgres, type PostgresOptions } from './postgres.js'
export { sqlite, type SqliteOptions } from './sqlite.js'
export type { Storage, TableNames } from './storage.js'
