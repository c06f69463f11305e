import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { createApp } from '../examples/express/app.ts'
import { supportAgent } from '../examples/support-agent.ts'
import { until } from './adapters/client.js'
import { listen } from './adapters/hosts/listen.js'
import { absentPackages, ambient, documents, root, snippetsOf } from './readme/snippets.js'
import { run } from './support/packed-package.js'

// Below the repository, so that packages are found as in any program; the type check of the repository skips it.
const fixtures = join(root, 'test/fixtures')
let folder = ''
beforeAll(async () => {
  await mkdir(fixtures, { recursive: true })
  folder = await mkdtemp(join(fixtures, 'snippets-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the snippets of the README and the docs', () => {
  it('compile against this code', async () => {
    const places = new Map<string, string>()
    for (const document of await documents()) {
      for (const { place, code } of await snippetsOf(document, 'ts')) {
        const file = `${place.replaceAll(/[^\w.]/g, '_')}.ts`
        places.set(file, place)
        // A snippet is a module even where it imports nothing, and may await.
        await writeFile(join(folder, file), `${code}export {}\n`)
      }
    }
    expect(places.size).toBeGreaterThan(20)
    await writeFile(join(folder, 'ambient.d.ts'), ambient)
    await writeFile(join(folder, 'absent-packages.d.ts'), absentPackages)
    const config = { extends: '../../../tsconfig.json', include: ['*.ts'], exclude: [] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { output } = await run('tsc', ['--pretty', 'false', '-p', join(folder, 'tsconfig.json')], root)
    // What is wrong with the source is for the type check of the repository to say.
    const problems = output.split('\n').flatMap((line) => {
      const [, file = '', at = ''] = /^\S*?([\w.]+\.ts)\((\d+),.*error/.exec(line) ?? []
      const place = places.get(file)
      if (place !== undefined) return `${place}, its line ${at}${line.slice(line.indexOf(': error'))}`
      return /^error|^\S*(ambient|absent-packages)\.d\.ts/.test(line) ? line : []
    })
    expect(problems).toEqual([])
  }, 60_000)

  it('links to files that are there', async () => {
    const missing: string[] = []
    for (const document of await documents()) {
      const text = await readFile(join(root, document), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
        const path = join(root, document, '..', target)
        await access(path).catch(() => missing.push(`${document} → ${target}`))
      }
    }
    expect(missing).toEqual([])
  })
})

describe('the transcript of the README', () => {
  const shape = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(item)]))
      : typeof value

  it('is what happens: the same request gets an answer of exactly that form', async () => {
    const [request] = (await snippetsOf('README.md', 'sh')).filter(({ code }) => code.includes('-d ')).map(parseCurl)
    const [answer] = await snippetsOf('README.md', 'json')
    const shown = JSON.parse(answer!.code) as Record<string, unknown>

    const agent = supportAgent('my-agent')
    await using agentOS = new AgentOS({ agents: [agent], storage: sqlite(':memory:') })
    const host = await listen(createApp(agentOS, agent, '/'))
    const response = await fetch(host.url + request!.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request!.body,
    })
    const { messages, metrics, ...rest } = (await response.json()) as Record<string, unknown>
    await host.close()
    expect(response.status).toBe(200)
    expect([Array.isArray(messages), typeof metrics]).toEqual([true, 'object'])
    expect(shape(rest)).toEqual(shape(shown))
    expect({ ...rest, run_id: '', created_at: '' }).toEqual({ ...shown, run_id: '', created_at: '' })
    for (const { run_id, created_at } of [rest, shown]) {
      expect(run_id).toMatch(/^run_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
      expect(created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    }
  })
})

/** The path and the body of a curl command. */
function parseCurl({ code }: { code: string }): { path: string; body: string | undefined } {
  const [, path = ''] = /http:\/\/localhost:8000(\S*)/.exec(code) ?? []
  return { path, body: /-d '(.*)'/.exec(code)?.[1] }
}

describe('the program of the README', () => {
  it('runs as it is written, with a model behind it', async () => {
    if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no build: run `npm run build` first.')
    const model = new LLMock({ port: 0 })
    model.onMessage('Where is order 7?', { content: 'It is on its way.' })
    await model.start()
    const port = await freePort()
    const [program] = await snippetsOf('README.md', 'ts')
    const file = join(folder, 'server.ts')
    await writeFile(file, program!.code.replace('listen(8000)', `listen(${port})`))
    const workFolder = await mkdtemp(join(tmpdir(), 'agentos-readme-'))
    const env = { ...process.env, OPENAI_API_KEY: 'test', OPENAI_BASE_URL: `${model.url}/v1` }
    const child = spawn(process.execPath, [file], { cwd: workFolder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    try {
      const url = `http://localhost:${port}`
      const isUp = () =>
        fetch(`${url}/hello`).then(
          ({ ok }) => ok,
          () => false,
        )
      await until('the program listens', async () => child.exitCode !== null || (await isUp()), 15_000)
      expect(errors).toBe('')
      const response = await fetch(`${url}/os/agents/support/runs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Where is order 7?', user_id: 'alice', session_id: 'thread-42' }),
      })
      expect(await response.json()).toMatchObject({
        status: 'completed',
        content: 'It is on its way.',
        session_id: 'thread-42',
        user_id: 'alice',
        model: 'gpt-5-mini',
      })
      expect((await fetch(`${url}/os/docs`)).status).toBe(200)
      expect(existsSync(join(workFolder, 'agentos.db'))).toBe(true)
    } finally {
      const gone = once(child, 'exit')
      if (child.exitCode === null) {
        child.kill()
        await gone
      }
      await model.stop()
      await rm(workFolder, { recursive: true })
    }
  }, 30_000)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
