/** The part of pino's interface that is used here; a pino logger fits as it is. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Warnings and errors as JSON lines on standard error, for whoever brings no logger. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
}

function write(level: string, fields: object, message?: string): void {
  process.stderr.write(
    JSON.stringify({ level, time: new Date().toISOString(), msg: message, ...serialize(fields) }) + '\n',
  )
}

function serialize(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) =>
      value instanceof Error ? [key, { name: value.name, message: value.message, stack: value.stack }] : [key, value],
    ),
  )
}
