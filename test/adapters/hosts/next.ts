import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { RunningHost, StartHost } from '../adapter-conformance.js'

const bin = createRequire(import.meta.url).resolve('next/dist/bin/next')

/**
 * A Next.js app, built and started as in production. It mounts a stand-in of its own, since it runs in a process of
 * its own.
 */
export const nextHost: StartHost = async () => {
  const app = fileURLToPath(new URL('../next-app', import.meta.url))
  await buildNextApp(app)
  return startNextApp(app)
}

/** Runs `next build` on the app in a folder. */
export async function buildNextApp(app: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const child = next(app, env, 'build')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`next build failed with ${code}:\n${output}`)
}

/** Runs `next start` on the built app in a folder. */
export async function startNextApp(app: string, env: NodeJS.ProcessEnv = process.env): Promise<RunningHost> {
  const server = next(app, env, 'start', '--port', '0', '--hostname', '127.0.0.1')
  const url = await addressOf(server)
  return {
    url,
    close: async () => {
      const gone = once(server, 'exit')
      server.kill()
      await gone
    },
  }
}

function next(app: string, env: NodeJS.ProcessEnv, ...args: string[]): ChildProcess {
  // The test runner's own NODE_ENV would make a build that is neither development nor production.
  const production = { ...env, NODE_ENV: 'production' as const, NEXT_TELEMETRY_DISABLED: '1' }
  return spawn(process.execPath, [bin, ...args], { cwd: app, env: production, stdio: ['ignore', 'pipe', 'pipe'] })
}

function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found !== null && output.includes('Ready')) resolve(found[0])
    }
    server.stdout?.on('data', read)
    server.stderr?.on('data', read)
    server.once('exit', (code) => reject(new Error(`next start ended with ${code}:\n${output}`)))
  })
}
