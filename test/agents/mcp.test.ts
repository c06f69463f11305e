import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createNodeHandler } from '../../adapters/node.js'
import { Agent } from '../../src/agents/agent.js'
import { mcpTools } from '../../src/agents/mcp.js'
import { scripted } from '../../src/models/index.js'
import { shopServer } from './mcp-server.js'
import { quiet } from './support.js'

const program = fileURLToPath(new URL('mcp-server.ts', import.meta.url))
const requests: { body: string; authorization: string | null }[] = []
let hasLostSession = false
const handler = createMcpHandler(shopServer)
const server = createServer(
  createNodeHandler({
    matches: () => true,
    fetch: async (request) => {
      const { url: target, method, headers } = request
      const body = await request.text()
      if (hasLostSession && body.includes('"tools/call"')) return new Response('Session not found', { status: 404 })
      requests.push({ body, authorization: headers.get('authorization') })
      return handler.fetch(new Request(target, { method, headers, ...(body !== '' && { body }) }))
    },
  }),
)
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
})
afterAll(async () => {
  await handler.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const asking = (name: string, args = {}) => scripted([{ toolCalls: [{ name, arguments: args }] }, 'Done.'])
const listings = (): number => requests.filter(({ body }) => body.includes('"tools/list"')).length

describe('tools of an MCP server over HTTP', () => {
  it('are called like any other, and asked for once', async () => {
    await using shop = mcpTools({ url, headers: { authorization: 'Bearer key' } })
    const model = scripted([{ toolCalls: [{ name: 'orders_find', arguments: { number: 7 } }] }, 'Done.'], {
      record: true,
    })
    const agent = new Agent({ id: 'a', model, tools: [shop] })
    expect(requests).toHaveLength(0)
    const run = await agent.run('Where is order 7?')
    expect(run.tools).toMatchObject([
      { toolName: 'orders_find', result: 'Order 7 is on its way.', toolCallError: false },
    ])
    expect(model.requests[0]?.tools?.[0]).toMatchObject({
      name: 'orders_find',
      description: 'Finds an order.',
      parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
    })
    await agent.run('And again?')
    expect(listings()).toBe(1)
    expect(requests.every(({ authorization }) => authorization === 'Bearer key')).toBe(true)
  })

  it('tell the model what went wrong', async () => {
    await using shop = mcpTools({ url })
    const failed = await new Agent({ id: 'a', model: asking('fail'), tools: [shop] }).run('?', quiet)
    expect(failed).toMatchObject({
      status: 'completed',
      tools: [{ toolCallError: true, result: 'The shop is closed.' }],
    })
    const wrong = await new Agent({ id: 'a', model: asking('orders_find', { number: 'seven' }), tools: [shop] }).run(
      '?',
      quiet,
    )
    expect(wrong.tools).toMatchObject([{ toolCallError: true }])
    expect(wrong.tools?.[0]?.result).toContain('number')
  })

  it('give media to the client', async () => {
    await using shop = mcpTools({ url })
    const run = await new Agent({ id: 'a', model: asking('photo'), tools: [shop] }).run('?')
    expect(run.tools?.[0]?.result).toBe('Here it is.')
    expect(run.images).toMatchObject([{ content: 'QUJD', mimeType: 'image/png' }])
  })

  it('have the agent’s time limit', async () => {
    await using shop = mcpTools({ url })
    const run = await new Agent({ id: 'a', model: asking('hang'), tools: [shop], toolTimeoutMs: 50 }).run('?', quiet)
    expect(run.tools?.[0]?.result).toContain('longer than 50 ms')
  })

  it('can be some of them, under other names, and need a confirmation', async () => {
    await using shop = mcpTools({ url, prefix: 'shop_', only: ['orders.find'], traits: { requiresConfirmation: true } })
    expect((await shop.tools(new AbortController().signal)).map(({ name }) => name)).toEqual(['shop_orders_find'])
    const run = await new Agent({ id: 'a', model: asking('shop_orders_find'), tools: [shop] }).run('?')
    expect(run.status).toBe('paused')
  })

  it('end the run, retryable, when the server is away, and are asked for again next time', async () => {
    const shop = mcpTools({ url: 'http://127.0.0.1:1/mcp?key=secret' })
    const agent = new Agent({ id: 'a', model: asking('fail'), tools: [shop] })
    for (let time = 0; time < 2; time++) {
      const run = await agent.run('?', quiet)
      expect(run.error).toMatchObject({ errorCode: 'TOOL_FAILED', retryable: true })
      expect(JSON.stringify(run)).not.toContain('secret')
    }
    await shop.close()
  })

  it('connect again after they were closed', async () => {
    const shop = mcpTools({ url })
    const agent = new Agent({ id: 'a', model: asking('fail'), tools: [shop] })
    await agent.run('?', quiet)
    await shop.close()
    expect((await agent.run('?', quiet)).status).toBe('completed')
    await shop.close()
  })

  it('begin another session when the server has lost theirs', async () => {
    await using shop = mcpTools({ url })
    const agent = new Agent({ id: 'a', model: asking('orders_find', { number: 7 }), tools: [shop] })
    await agent.run('?')
    hasLostSession = true
    const before = listings()
    expect((await agent.run('?', quiet)).tools).toMatchObject([{ toolCallError: true }])
    hasLostSession = false
    expect((await agent.run('?')).tools).toMatchObject([{ result: 'Order 7 is on its way.' }])
    expect(listings()).toBe(before + 1)
  })

  it('must not share a name', async () => {
    await using one = mcpTools({ url })
    await using two = mcpTools({ url })
    const error = vi.fn<(fields: object) => void>()
    const run = await new Agent({ id: 'a', model: asking('fail'), tools: [one, two] }).run('?', {
      logger: { debug() {}, info() {}, warn() {}, error },
    })
    expect(run.error?.errorCode).toBe('INTERNAL_ERROR')
    expect(error.mock.calls[0]?.[0]).toMatchObject({
      err: { message: expect.stringContaining('two tools called "orders_find"') as string },
    })
  })
})

describe('tools of an MCP server over stdio', () => {
  it('are called like any other; closing ends the program', async () => {
    const shop = mcpTools({ command: process.execPath, args: [program, '--stdio'] })
    const agent = new Agent({ id: 'a', model: asking('orders_find', { number: 7 }), tools: [shop] })
    expect((await agent.run('?')).tools?.[0]?.result).toBe('Order 7 is on its way.')
    await shop.close()
  })

  it('are asked for again when the server says that they have changed', async () => {
    await using shop = mcpTools({ command: process.execPath, args: [program, '--stdio'] })
    const { signal } = new AbortController()
    expect((await shop.tools(signal)).map(({ name }) => name)).not.toContain('grown')
    await new Agent({ id: 'a', model: asking('grow'), tools: [shop] }).run('?')
    await expect.poll(async () => (await shop.tools(signal)).map(({ name }) => name)).toContain('grown')
  })

  it('are there again after the program has died', async () => {
    await using shop = mcpTools({ command: process.execPath, args: [program, '--stdio'] })
    const died = await new Agent({ id: 'a', model: asking('crash'), tools: [shop] }).run('?', quiet)
    expect(died).toMatchObject({ status: 'completed', tools: [{ toolCallError: true }] })
    const again = await new Agent({ id: 'a', model: asking('orders_find', { number: 8 }), tools: [shop] }).run('?')
    expect(again.tools?.[0]?.result).toBe('Order 8 is on its way.')
  })
})
