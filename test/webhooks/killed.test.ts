import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { root } from '../readme/snippets.js'
import { temporaryPath } from '../storage/support/temporary.js'
import { testAgentOS, until } from '../support/agent-os.js'
import { isGenuine, receiver, secret } from './receiver.js'

let folder = ''
beforeAll(async () => {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'webhooks-'))
  const entry = Object.fromEntries(['index', 'models/index', 'storage/index'].map((name) => [name, `src/${name}.ts`]))
  await build({
    entry,
    outDir: folder,
    format: 'esm',
    outExtension: () => ({ js: '.mjs' }),
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    config: false,
    silent: true,
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A process of its own whose agent answers; it prints the id of the run once that is there, and lives on. */
function start(path: string, url: string, host: string) {
  const of = (name: string): string => JSON.stringify(pathToFileURL(join(folder, `${name}.mjs`)).href)
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { Agent, AgentOS } = await import(${of('index')})
       const { scripted } = await import(${of('models/index')})
       const { sqlite } = await import(${of('storage/index')})
       const agentOS = new AgentOS({
         agents: [new Agent({ id: 'my-agent', model: scripted('Hello!') })],
         storage: sqlite(${JSON.stringify(path)}),
         webhooks: { secrets: { default: '${secret}' }, allowedHosts: ['${host}'], timeoutMs: 300 },
       })
       const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', webhook: { url: '${url}' } })
       console.log(run.runId)
       setInterval(() => {}, 1000)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    runId: async (): Promise<string> => String((await lines.next()).value),
    kill: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

it('a webhook that its process was killed over arrives from the next one, under the same id', async () => {
  const { all, host, url } = await receiver((_received, count) =>
    // The first process is killed while the receiver has it, and before it could know.
    count === 1 ? new Promise<number>(() => undefined) : 200,
  )
  const path = temporaryPath()
  const first = start(path, url, host)
  const runId = await first.runId()
  await until(() => all.length === 1)
  await first.kill()
  const second = testAgentOS(scripted('Hello!'), {
    storage: sqlite(path),
    webhooks: { secrets: { default: secret }, allowedHosts: [host] },
  })
  await second.fetch(new Request('http://host/health'))
  await until(() => all.length === 2)
  expect(all.every((received) => isGenuine(received))).toBe(true)
  expect(all[0]!.headers['webhook-id']).toBe(all[1]!.headers['webhook-id'])
  expect(all[1]!.text).toBe(all[0]!.text)
  expect(all[1]!.body).toMatchObject({ type: 'run.completed', data: { run_id: runId, content: 'Hello!' } })
}, 60_000)
