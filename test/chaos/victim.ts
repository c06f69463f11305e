import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('server.ts', import.meta.url))

/** The server process, started again and again on the same database and port. */
export class Victim implements AsyncDisposable {
  private child: ChildProcess | undefined
  private gone: Promise<unknown> = Promise.resolve()
  readonly url: string
  private readonly database: string
  private readonly outside: string
  private readonly port: number

  private constructor(database: string, outside: string, port: number) {
    this.database = database
    this.outside = outside
    this.port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async create(database: string, outside: string): Promise<Victim> {
    return new Victim(database, outside, await freePort())
  }

  async start(): Promise<void> {
    await this.gone
    const env = { ...process.env, CHAOS_DB: this.database, CHAOS_OUTSIDE: this.outside, CHAOS_PORT: String(this.port) }
    const child = fork(file, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
    this.child = child
    this.gone = once(child, 'exit')
    await Promise.race([
      once(child, 'message'),
      this.gone.then((code) => {
        throw new Error(`The server ended before it was ready: ${String(code)}`)
      }),
    ])
  }

  kill(): void {
    this.child?.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.gone
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
