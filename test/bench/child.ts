import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A server in a process of its own, which answers questions over IPC. */
export interface BenchServer extends AsyncDisposable {
  url: string
  ask<Answer>(question: string): Promise<Answer>
}

/** Starts `servers/<name>.ts` with a directory of its own, and waits for its port. */
export async function startServer(name: string, ...settings: string[]): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'agentos-bench-'))
  const server = await startServerIn(directory, name, ...settings)
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** As {@link startServer}, on a directory that stays when the server is killed. */
export async function startServerIn(directory: string, name: string, ...settings: string[]): Promise<BenchServer> {
  const file = fileURLToPath(new URL(`servers/${name}.ts`, import.meta.url))
  const child = fork(file, [directory, ...settings], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { port } = await answerOf<{ port: number }>(child)
  return {
    url: `http://127.0.0.1:${port}`,
    ask(question) {
      child.send(question)
      return answerOf(child)
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The server ended with ${String(code)}.`)
  })
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer]
  return answer
}
