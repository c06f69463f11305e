import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { docsAsset, docsPage } from '../../src/http/docs-page.js'

const openapi = {
  openapi: '3.1.0',
  info: { title: 'AgentOS', version: '1.0.0' },
  servers: [{ url: '/os' }],
  paths: {
    '/health': {
      get: {
        operationId: 'health_check',
        summary: 'Health',
        tags: ['Status'],
        responses: { 200: { description: 'Up' } },
      },
    },
  },
}

/** Answers as an AgentOS does that is mounted at `/os`. */
async function answer(path: string): Promise<Response> {
  if (path === '/os/docs') return docsPage({ title: 'The <docs>', openapiPath: 'openapi.json' })
  if (path === '/os/openapi.json') return Response.json(openapi)
  if (path === '/os/health') return Response.json({ status: 'ok' })
  const asset = await docsAsset(path.replace('/os/docs/assets/', ''))
  return asset
    ? new Response(asset.body, { headers: { 'content-type': asset.type } })
    : new Response(null, { status: 404 })
}

it('shows the operations, sends one, and asks nobody but its host, within its policy', async () => {
  const server = createServer((request, response) => {
    void answer(request.url ?? '').then(async (reply) => {
      response.writeHead(reply.status, Object.fromEntries(reply.headers))
      response.end(Buffer.from(await reply.arrayBuffer()))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    const asked: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${origin}/os/docs`)
    expect(await page.title()).toBe('The <docs>')
    await page.click('.opblock-summary-control')
    await page.click('.try-out__btn')
    await page.click('.execute')
    await page.waitForSelector('.live-responses-table')
    expect(await page.innerText('.live-responses-table')).toContain('"status": "ok"')
    expect(asked.filter((url) => !url.startsWith(`${origin}/os/`))).toEqual([])
    expect(asked).toContain(`${origin}/os/health`)
    expect(complaints).toEqual([])
  } finally {
    await browser.close()
    server.close()
  }
})
