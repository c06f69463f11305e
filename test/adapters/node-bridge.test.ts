import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { createNodeHandler } from '../../adapters/node.js'
import type { WebHandler } from '../../src/http/web-handler.js'
import type { RunningHost } from './adapter-conformance.js'
import { until } from './client.js'
import { listen } from './hosts/listen.js'
import { StandIn } from './stand-in.js'

const hosts: RunningHost[] = []
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close()
})

async function serve(fetchHandler: WebHandler['fetch'], onError?: (error: unknown) => void): Promise<string> {
  const host = await listen(createNodeHandler({ fetch: fetchHandler, matches: () => true }, { onError }))
  hosts.push(host)
  return host.url
}

describe('the request that a handler gets', () => {
  const post = (url: string) =>
    fetch(url, { method: 'POST', body: '\uFEFF{"a":1}', headers: { 'content-type': 'application/json' } })

  it('is a platform request, whose clone can be read beside it', async () => {
    const url = await serve(async (request) => {
      const clone = request.clone()
      const texts = [await request.text(), await clone.text()]
      return Response.json({ isRequest: request instanceof Request, texts, used: request.bodyUsed })
    })
    expect(await (await post(url)).json()).toEqual({ isRequest: true, texts: ['{"a":1}', '{"a":1}'], used: true })
  })

  it('lets its body be read once, by whatever way', async () => {
    const ways = ['text', 'json', 'arrayBuffer', 'bytes', 'blob'] as const
    for (const way of ways) {
      const url = await serve(async (request) => {
        const before = request.bodyUsed
        if (way === 'json') await request.text()
        else await request[way]()
        const again = await request.text().then(
          () => 'read twice',
          (error: unknown) => (error as Error).name,
        )
        return Response.json([before, request.bodyUsed, again, request.body?.locked])
      })
      expect([way, await (await post(url)).json()]).toEqual([way, [false, true, 'TypeError', true]])
    }
  })

  it('can be read as a stream first in part, and is then no longer whole', async () => {
    const url = await serve(async (request) => {
      const reader = request.body?.getReader()
      await reader?.read()
      reader?.releaseLock()
      return Response.json([request.bodyUsed, await request.text().catch((error: unknown) => (error as Error).name)])
    })
    expect(await (await post(url)).json()).toEqual([true, 'TypeError'])
  })
})

describe('a handler that fails', () => {
  it('gives 500 without the reason, which goes to onError', async () => {
    const errors: unknown[] = []
    const url = await serve(
      () => Promise.reject(new Error('secret')),
      (error) => errors.push(error),
    )
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([
      500,
      {
        detail: 'Internal server error',
        error_code: 'INTERNAL_ERROR',
        request_id: response.headers.get('x-request-id'),
      },
    ])
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    expect(errors).toEqual([new Error('secret')])
  })
})

describe('HTTP/2', () => {
  it('carries requests and streams, and tells that a client went', async () => {
    const standIn = new StandIn()
    const handler = createNodeHandler(standIn)
    // Node's types of HTTP/2's compatibility objects and of HTTP/1's are not assignable, though made to stand in.
    const server = createServer((req, res) => handler(req as never, res as never))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const observed = async () =>
      JSON.parse(await text(client.request({ ':path': '/si/control/observed' }))) as { aborted: string[] }

    const request = client.request({ ':method': 'POST', ':path': '/si/json', 'content-type': 'application/json' })
    request.end('{"a":1}')
    expect(await text(request)).toBe('{"body":{"a":1}}')
    const info = await text(client.request({ ':path': '/si/info?x=1' }))
    expect(JSON.parse(info)).toMatchObject({ method: 'GET', pathname: '/si/info', query: [['x', '1']] })
    expect(info).not.toContain(':path')

    const stream = client.request({ ':path': '/si/sse' })
    await new Promise((resolve) => stream.once('data', resolve))
    stream.close()
    await until('request.signal aborts', async () => (await observed()).aborted.includes('/sse'))
    expect((await observed()).aborted).toEqual(['/sse'])
    client.close()
    await new Promise((resolve) => server.close(resolve))
  })
})
