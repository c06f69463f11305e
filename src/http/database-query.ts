import { z } from 'zod'
import { BadRequestError, NotFoundError } from '../core/errors.js'
import type { ServedDatabase } from './services.js'

/** Which database and table is meant, for a query schema's shape. */
export const databaseQuery = {
  dbId: z.string().max(255).optional().meta({ description: 'Id of the database, as `/config` lists it.' }),
  table: z.string().max(255).optional().meta({ description: 'Name of the table; needs `db_id`.' }),
}

/** Errors of {@link checkDatabase}, for a route's table of errors. */
export const databaseErrors = {
  400: ['DB_ID_REQUIRED'],
  404: ['DATABASE_NOT_FOUND', 'TABLE_NOT_FOUND'],
} as const

/**
 * Checks that the database and the table that a request names are the ones that are served.
 *
 * @param table what this database calls the table in question.
 * @throws BadRequestError `DB_ID_REQUIRED`
 * @throws NotFoundError `DATABASE_NOT_FOUND`, `TABLE_NOT_FOUND`
 */
export function checkDatabase(
  database: ServedDatabase,
  asked: { dbId?: string | undefined; table?: string | undefined },
  table: string,
): void {
  if (asked.table !== undefined && asked.dbId === undefined) {
    throw new BadRequestError('DB_ID_REQUIRED', `table is "${asked.table}", but db_id is missing; send both.`)
  }
  if (asked.dbId !== undefined && asked.dbId !== database.id) {
    throw new NotFoundError('DATABASE_NOT_FOUND', `There is no database "${asked.dbId}".`)
  }
  if (asked.table !== undefined && asked.table !== table) {
    throw new NotFoundError('TABLE_NOT_FOUND', `Database "${database.id}" has no table "${asked.table}" for this.`)
  }
}
