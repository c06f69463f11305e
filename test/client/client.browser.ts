import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import type { AgentOSClient } from 'agentos-sdk/client'
import { createNodeHandler } from 'agentos-sdk/node'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'
import { cuttingProxy, serve } from './support.js'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const text = 'Ein Satz für dich 🌍. '.repeat(40)

const html = `<!doctype html><script type="module">
  import { AgentOSClient } from '/dist/client.js'
  const retry = { baseDelayMs: 1, maxDelayMs: 5, retries: 100 }
  globalThis.client = new AgentOSClient({ baseUrl: '/os', retry, reconnect: retry })
</script>`

it('works in Chromium, over connections that are cut', { timeout: 60_000 }, async () => {
  const agentOS = testAgentOS(scripted(text, { chunkSize: 5 }))
  const handler = createNodeHandler(agentOS, { basePath: '/os' })
  const host = await serve((request, response) => {
    const [, file] = /^\/dist\/([\w-]+\.js)$/.exec(request.url ?? '') ?? []
    // Each request gets a connection of its own, so that each can be cut.
    response.setHeader('connection', 'close')
    if (file !== undefined) {
      void readFile(join(dist, file)).then((code) =>
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(code),
      )
    } else if (request.url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(html)
    else handler(request, response)
  })
  let isCutting = false
  const proxy = await cuttingProxy(host.port, () => (isCutting ? 4_000 : undefined))
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(proxy.url)
    await page.waitForFunction('globalThis.client !== undefined')
    isCutting = true
    const shown = await page.evaluate(async () => {
      const { client } = globalThis as unknown as { client: AgentOSClient }
      const events: [number, string, unknown][] = []
      for await (const event of client.runs.stream({ agentId: 'my-agent', message: 'Hello' })) {
        events.push([event.eventIndex, event.event, 'content' in event ? event.content : undefined])
      }
      return events
    })
    isCutting = false
    expect(proxy.cuts).toBeGreaterThan(2)
    expect(shown.map(([index]) => index)).toEqual(shown.map((_, at) => at))
    expect(
      shown
        .filter(([, name]) => name === 'RunContent')
        .map(([, , content]) => content)
        .join(''),
    ).toBe(text)
    const run = await page.evaluate(async () => {
      const { client } = globalThis as unknown as { client: AgentOSClient }
      const files = [new File(['a\nb'], 'list.txt', { type: 'text/plain' })]
      const abort = new AbortController()
      const stream = client.runs.stream({ agentId: 'my-agent', message: 'Hello', signal: abort.signal })
      let seen = 0
      for await (const { event } of stream) if (event === 'RunContent' && ++seen === 3) abort.abort()
      return { seen, run: await client.runs.create({ agentId: 'my-agent', message: 'Two\nlines', files }) }
    })
    expect(run).toMatchObject({
      seen: 3,
      run: { input: { inputContent: 'Two\nlines', files: [{ filename: 'list.txt', content: 'a\nb' }] } },
    })
    expect(complaints).toEqual([])
    console.log(`${shown.length} events over ${proxy.cuts + 1} connections`)
  } finally {
    await browser.close()
  }
})
