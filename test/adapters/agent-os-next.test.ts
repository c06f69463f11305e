import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { agentOSConformance } from './agent-os-conformance.js'
import type { ServedAgentOS, StartServed } from './agent-os-conformance.js'
import { at, postJson, runsAt } from './cases/agent-os-client.js'
import type { Body } from './cases/agent-os-client.js'
import { readUntil } from './client.js'
import { buildNextApp, startNextApp } from './hosts/next.js'

// It builds the app first.
vi.setConfig({ hookTimeout: 180_000, testTimeout: 30_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
const app = join(root, 'examples/next')

/** The Next.js example, built and started as in production. Its agent is slow by itself, nobody can hold it. */
const startExample: StartServed = async () => {
  if (!existsSync(join(root, 'dist/types'))) throw new Error('There is no build: run `npm run build` first.')
  await installPackage()
  const folder = await mkdtemp(join(tmpdir(), 'agentos-next-'))
  const { OPENAI_API_KEY: _key, ...rest } = process.env
  const env = { ...rest, AGENTOS_DB: join(folder, 'agentos.db') }
  await buildNextApp(app, env)
  if (existsSync(env.AGENTOS_DB)) throw new Error('The build has created a database.')
  const { url, close } = await startNextApp(app, env)
  return {
    served: {
      url,
      base: `${url}/os`,
      basePath: '/os',
      agentId: 'support',
      slowMessage: 'Ask the warehouse where order 7 is.',
      release: () => undefined,
      hold: () => undefined,
      hello: { path: '/hello', text: 'Hello from the shop.' },
      jsonParserBefore: false,
    },
    async close() {
      await close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Puts the build where an app has the package that it installed: a link would make it part of the app's own code. */
async function installPackage(): Promise<void> {
  const installed = join(app, 'node_modules/agentos-sdk')
  await rm(installed, { recursive: true, force: true })
  await cp(join(root, 'dist'), join(installed, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(installed, 'package.json'))
}

agentOSConformance('Next.js, under /os', startExample, routesOfItsOwn)

function routesOfItsOwn(served: ServedAgentOS): void {
  it('has the package outside of its bundles, where it finds its drivers and its files', async () => {
    const folder = join(app, '.next/server')
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js'))
    const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
    expect(texts.filter((text) => text.includes('Answers questions about orders.')).length).toBeGreaterThan(0)
    expect(texts.filter((text) => text.includes('There is no agent'))).toEqual([])
  })

  it('says that it has no sockets', async () => {
    const response = await fetch(at(served, '/workflows/ws'))
    expect(response.status).toBe(501)
    expect(await response.json()).toMatchObject({ error_code: 'CAPABILITY_NOT_SUPPORTED' })
    const socket = new WebSocket(at(served, '/workflows/ws').replace('http', 'ws'))
    // The server of Next.js hangs up on requests for an upgrade before a route handler sees them.
    await new Promise((resolve) => socket.addEventListener('error', resolve))
  })

  describe('route files of its own', () => {
    it('read what was run through the catch-all: both share one database', async () => {
      const run = (await (await postJson(runsAt(served), { message: 'Where is order 7?' })).json()) as Body
      expect(run).toMatchObject({ status: 'completed', tools: [{ tool_name: 'lookup_order' }] })
      const lines = (await (await fetch(`${served.url}/watch/${String(run.run_id)}`)).text()).trimEnd().split('\n')
      expect([lines[0], lines.at(-1)]).toEqual(['0 RunStarted', `${lines.length - 1} RunCompleted`])
      expect((await fetch(`${served.url}/watch/run_none`)).status).toBe(404)
    })

    it('follow a run that goes on, live: both share one event bus', async () => {
      const started = await postJson(runsAt(served), { message: served.slowMessage, background: true })
      const { run_id } = (await started.json()) as Body
      const response = await fetch(`${served.url}/watch/${String(run_id)}`)
      const reader = await readUntil(response, 'ToolCallStarted')
      expect(await (await fetch(`${runsAt(served)}/${String(run_id)}`)).json()).toMatchObject({ status: 'running' })
      let rest = ''
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest += new TextDecoder().decode(next.value)
      expect(rest).toMatch(/ToolCallCompleted[^]*RunCompleted\n$/)
    })

    it('call an agent directly, without a trace in the database', async () => {
      const before = await sessionCount(served)
      const answer = await postJson(`${served.url}/webhooks/mail`, { subject: 'Where is order 8?' })
      expect(await answer.json()).toEqual({ status: 'completed', reply: expect.stringContaining('is being packed') })
      expect(await sessionCount(served)).toBe(before)
    })
  })
}

async function sessionCount(served: ServedAgentOS): Promise<number> {
  const { meta } = (await (await fetch(at(served, '/sessions'))).json()) as { meta: { total_count: number } }
  return meta.total_count
}
