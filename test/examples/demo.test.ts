import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../adapters/client.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const processes: ChildProcess[] = []
let folder = ''
beforeAll(async () => {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no build: run `npm run build` first.')
  folder = await mkdtemp(join(tmpdir(), 'agentos-demo-'))
})
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** What `npm run demo` runs, on the build. */
function demo(port: number) {
  const { OPENAI_API_KEY: _key, ...rest } = process.env
  const env = { ...rest, PORT: String(port), AGENTOS_DB: join(folder, 'demo.db') }
  const child = spawn(process.execPath, [join(root, 'examples/express/demo.ts')], { cwd: folder, env })
  processes.push(child)
  const said = { child, output: '', errors: '', exit: once(child, 'exit') as Promise<[number | null]> }
  child.stdout.on('data', (chunk: Buffer) => (said.output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString()))
  return said
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('npm run demo', () => {
  it('shows a streamed run, leaves the server up, and stops when it is told to', async () => {
    const port = await freePort()
    const said = demo(port)
    await until(`the demo says where to look: ${said.errors}`, () => said.output.includes('/docs\n'), 15_000)
    expect(said.output).toMatch(/RunStarted +run_\S+ in ses_\S+\n/)
    expect(said.output).toContain('ToolCallStarted        lookup_order {"number":7}\n')
    expect(said.output).toMatch(/RunContent +I have looked it up: .*arrives tomorrow/)
    expect(said.output).toMatch(/RunCompleted +\d+ tokens in all\n/)
    expect(said.output.trimEnd().split('\n').at(-1)).toContain(`http://localhost:${port}/docs`)
    expect((await fetch(`http://localhost:${port}/docs`)).status).toBe(200)
    expect((await fetch(`http://localhost:${port}/hello`)).status).toBe(200)

    const second = demo(port)
    expect(await second.exit).toEqual([1, null])
    expect(second.errors).toBe(`Port ${port} is in use. Take another one: PORT=${port + 1} npm run demo\n`)

    said.child.kill('SIGTERM')
    expect([await said.exit, said.errors]).toEqual([[0, null], ''])
  })
})
