import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'

/** A server process, started again and again on the same database and port. */
export class Victim implements AsyncDisposable {
  private child: ChildProcess | undefined
  private gone: Promise<unknown> = Promise.resolve()
  readonly url: string
  /** What it has logged, in all its lives. */
  log = ''
  private readonly program: string
  private readonly env: NodeJS.ProcessEnv

  private constructor(program: string, env: Record<string, string>, port: number) {
    this.program = fileURLToPath(new URL(program, import.meta.url))
    this.env = { ...process.env, ...env, CHAOS_PORT: String(port) }
    this.url = `http://127.0.0.1:${port}`
  }

  /** `program` stands beside this file, and says `ready` when it serves on `CHAOS_PORT`. */
  static async create(program: string, env: Record<string, string>): Promise<Victim> {
    return new Victim(program, env, await freePort())
  }

  async start(): Promise<void> {
    await this.gone
    const child = fork(this.program, { env: this.env, stdio: ['ignore', 'inherit', 'pipe', 'ipc'], execArgv: [] })
    child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()))
    this.child = child
    this.gone = once(child, 'exit')
    await Promise.race([
      once(child, 'message'),
      this.gone.then((code) => {
        throw new Error(`The server ended before it was ready: ${String(code)}\n${this.log.slice(-2000)}`)
      }),
    ])
  }

  kill(): void {
    this.child?.kill('SIGKILL')
  }

  /** Stops it in the middle of whatever it does. */
  freeze(): void {
    this.child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.child?.kill('SIGCONT')
  }

  /** Asks it to end, and waits until it has. */
  async terminate(): Promise<void> {
    this.child?.kill('SIGTERM')
    await this.gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.gone
  }
}
