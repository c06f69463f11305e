import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_MS = 20_000

/** The Express example as a process of its own, on the build, with a database that goes when it does. */
export class ExampleServer implements AsyncDisposable {
  readonly port: number
  private readonly child: ChildProcess
  private readonly folder: string

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port
    this.child = child
    this.folder = folder
  }

  static async start(): Promise<ExampleServer> {
    if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no build: run `npm run build` first.')
    const folder = await mkdtemp(join(tmpdir(), 'agentos-example-'))
    const port = await freePort()
    const { OPENAI_API_KEY: _key, ...rest } = process.env
    const env = { ...rest, PORT: String(port), AGENTOS_DB: join(folder, 'example.db') }
    const child = spawn(process.execPath, [join(root, 'examples/express/demo.ts')], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const server = new ExampleServer(port, child, folder)
    try {
      await server.untilHealthy()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Memory that the process holds, in MiB, where the system tells. */
  async memory(): Promise<number | undefined> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8').catch(() => '')
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit')
      this.child.kill('SIGKILL')
      await gone
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  private async untilHealthy(): Promise<void> {
    const deadline = Date.now() + START_MS
    while (Date.now() < deadline && this.child.exitCode === null) {
      const answer = await fetch(`${this.url}/health`).catch(() => undefined)
      if (answer?.ok) return
      await sleep(50)
    }
    throw new Error(`The example server was not up within ${START_MS} ms.`)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
