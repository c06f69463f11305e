import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { build } from 'tsup'

const root = join(import.meta.dirname, '../../..')

/** The library's storage as JavaScript, for processes of their own. */
export interface BuiltStorage extends Disposable {
  /** Starts a program that finds `sqlite`, `postgres`, `fullCaller` and `unit(runId, sessionId)` in scope. */
  start(program: string): ChildProgram
}

export interface ChildProgram {
  process: ChildProcess
  /** The next line that the program prints. */
  line(): Promise<string>
  /** Resolves with the exit code; the program must not have complained. */
  end(): Promise<number | null>
}

/** Builds it where every package is found, or where only those are that are named. Importing it needs `eventemitter3`. */
export async function buildStorage({ packages }: { packages?: readonly string[] } = {}): Promise<BuiltStorage> {
  const place = packages === undefined ? join(root, 'node_modules/.cache') : tmpdir()
  mkdirSync(place, { recursive: true })
  const folder = mkdtempSync(join(place, 'storage-'))
  if (packages !== undefined) mkdirSync(join(folder, 'node_modules'))
  for (const name of packages ?? []) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  await build({
    entry: { storage: join(root, 'src/storage/index.ts'), caller: join(root, 'src/core/caller.ts') },
    outDir: folder,
    format: 'esm',
    outExtension: () => ({ js: '.mjs' }),
    splitting: true,
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    config: false,
    silent: true,
  })
  const url = (name: string): string => JSON.stringify(pathToFileURL(join(folder, name)).href)
  const prelude = `
    const { postgres, sqlite } = await import(${url('storage.mjs')})
    const { fullCaller } = await import(${url('caller.mjs')})
    const unit = (runId, sessionId) => ({
      run: { runId, sessionId, component: { kind: 'agent', id: 'a', name: 'A' }, mode: 'plain', request: '{}', createdAt: 1 },
      newSession: { name: 'hello', state: {} },
      concurrency: 'queue',
      executorId: 'exe',
      maxPending: 100,
      firstSegment: { firstIndex: 0, lastIndex: 0, attempt: 1, format: 1, entries: '[1]' },
    })`
  return {
    start: (program) => start(`${prelude}\n${program}`),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

function start(program: string): ChildProgram {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const exit = once(child, 'exit')
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`The program ended without a line: ${complaints}`)
      return value
    },
    async end() {
      const [code] = (await exit) as [number | null]
      if (complaints !== '') throw new Error(complaints)
      return code
    },
  }
}
