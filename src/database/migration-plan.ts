import { ConflictError, UnavailableError, ValidationError } from '../core/errors.js'
import type { MigrationOrder, MigrationPlan } from './schema-repository.js'
import { compareVersions, majorOf } from './schema-version.js'

/**
 * The way from the version that a database has to another one.
 *
 * @param found the version that is there; undefined for a database without our schema.
 * @param known the versions of this code, oldest first.
 * @throws ValidationError `INVALID_VERSION` when this code doesn't know the target.
 * @throws ConflictError `DOWNGRADE_NOT_ALLOWED` when the way leads down and nobody has allowed that, or when it begins at
 *   a version that only newer code can take back.
 * @throws UnavailableError `NOT_READY` when the database is a major version ahead of this code.
 */
export function planMigration(
  found: string | undefined,
  { to, allowDowngrade }: MigrationOrder,
  known: readonly string[],
): MigrationPlan {
  const latest = known.at(-1)!
  refuseNewer(found, latest)
  if (to !== undefined && !known.includes(to)) throw unknownVersion(to, known)
  const isNewer = found !== undefined && compareVersions(found, latest) > 0
  const target = to ?? (isNewer ? found : latest)
  const way = found === undefined ? 1 : compareVersions(target, found)
  if (way >= 0) {
    const isAhead = (version: string): boolean => found === undefined || compareVersions(version, found) > 0
    const versions = known.filter((version) => isAhead(version) && compareVersions(version, target) <= 0)
    return { from: found, to: target, direction: 'up', versions }
  }
  if (isNewer) {
    throw new ConflictError(
      'DOWNGRADE_NOT_ALLOWED',
      `The database has schema ${found}, made by a newer version of agentos-sdk. Only that one can take it down to ${target}.`,
    )
  }
  if (!allowDowngrade) {
    throw new ConflictError(
      'DOWNGRADE_NOT_ALLOWED',
      `The database has schema ${found}. Going down to ${target} drops what only newer versions have; ` +
        'set allow_downgrade to do it.',
    )
  }
  const versions = known.filter(
    (version) => compareVersions(version, target) > 0 && compareVersions(version, found!) <= 0,
  )
  return { from: found, to: target, direction: 'down', versions: versions.toReversed() }
}

/**
 * Holds that this code can work on a schema: one of its own version, or of a newer minor one, which still fits.
 *
 * @throws UnavailableError `NOT_READY`
 */
export function assertUsable(found: string | undefined, known: readonly string[]): void {
  const wanted = known.at(-1)!
  refuseNewer(found, wanted)
  if (found !== undefined && compareVersions(found, wanted) >= 0) return
  throw new UnavailableError(
    'NOT_READY',
    `The database has ${found === undefined ? 'no schema of agentos-sdk yet' : `schema ${found}`}; ` +
      `this version of agentos-sdk needs ${wanted}. Migrate it: agentOS.database.migrate(), or POST /databases/{db_id}/migrate.`,
  )
}

function refuseNewer(found: string | undefined, wanted: string): void {
  if (found === undefined || majorOf(found) <= majorOf(wanted)) return
  throw new UnavailableError(
    'NOT_READY',
    `The database has schema ${found}, which this version of agentos-sdk (schema ${wanted}) does not know. Update agentos-sdk.`,
  )
}

function unknownVersion(version: string, known: readonly string[]): ValidationError {
  const message = `is ${JSON.stringify(version.slice(0, 60))}; known are ${known.join(', ')}`
  return new ValidationError('INVALID_VERSION', `target_version ${message}.`, [{ path: 'target_version', message }])
}
