import { ConfigurationError, MissingPackageError } from '../core/errors.js'

/** Loads a driver on first use; a package that is not there is named. */
export async function loadDriver<Driver>(
  neededFor: string,
  database: string,
  load: () => Promise<Driver>,
): Promise<Driver> {
  try {
    return await load()
  } catch (error) {
    const [, missing] = /Cannot find (?:package|module) '([^'.][^']*)'/.exec(String(error)) ?? []
    if (missing !== undefined) throw new MissingPackageError(missing, neededFor, { cause: error })
    throw new ConfigurationError(`The driver of ${database} could not be loaded.`, { cause: error })
  }
}
