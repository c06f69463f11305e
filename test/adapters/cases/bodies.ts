import { describe, expect, it } from 'vitest'
import type { Setting } from '../adapter-conformance.js'
import { RawClient } from '../client.js'

const json = { 'content-type': 'application/json' }

export function bodyCases(setting: Setting): void {
  const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
    fetch(setting.base + path, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  describe('request bodies', () => {
    it('carries JSON, with any letters', async () => {
      const body = { message: 'Grüße 🌍 \u2028', nested: [1, { a: null }] }
      const response = await post('/json', JSON.stringify(body), json)
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ body })
    })

    it('carries a urlencoded form', async () => {
      const response = await post(
        '/form',
        new URLSearchParams([
          ['message', 'a b&c=ü'],
          ['tag', 'x'],
          ['tag', 'y'],
        ]),
      )
      expect(await response.json()).toEqual({ message: 'a b&c=ü', tag: ['x', 'y'] })
    })

    it('carries a multipart form with a file', async () => {
      const form = new FormData()
      form.set('message', 'look at this')
      form.set('file', new File(['some bytes'], 'notes.txt', { type: 'text/markdown' }))
      const response = await post('/form', form)
      expect(await response.json()).toEqual({
        message: 'look at this',
        file: { name: 'notes.txt', type: 'text/markdown', text: 'some bytes' },
      })
    })

    it('carries 2 MB in one piece, whatever limit the host has for its own bodies', async () => {
      const response = await post('/read', new Uint8Array(2_000_000), { 'content-type': 'application/octet-stream' })
      expect(await response.json()).toEqual({ length: 2_000_000 })
    })

    it('carries a body without a content type', async () => {
      const response = await post('/read', new Uint8Array(5))
      expect(await response.json()).toEqual({ length: 5 })
    })

    it('carries a body of unannounced length', async () => {
      const chunks = new ReadableStream({
        start(controller) {
          for (const part of ['{"a"', ':', '1}']) controller.enqueue(new TextEncoder().encode(part))
          controller.close()
        },
      })
      expect(await (await post('/json', chunks, json)).json()).toEqual({ body: { a: 1 } })
    })

    it('leaves malformed JSON to the handler', async ({ skip }) => {
      if (setting.mount.jsonParserBefore) skip('the host parses it first, and answers 400 itself')
      const response = await post('/json', '{"a":', json)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error_code: 'MALFORMED_BODY' })
    })

    it('sees no body where there is none', async ({ skip }) => {
      if (!setting.options.isDirect) skip('the server in front makes an empty one')
      for (const method of ['GET', 'DELETE', 'POST']) {
        const response = await fetch(`${setting.base}/info`, { method })
        expect(await response.json()).toMatchObject({ method, has_body: false })
      }
    })

    it('streams a body, so that a handler can refuse it before it has come, and keeps the connection usable', async ({
      skip,
    }) => {
      if (!setting.options.isDirect) skip('the server in front reads the body first')
      const client = await RawClient.open(setting.url)
      const path = new URL(`${setting.base}/upload`).pathname
      client.send(
        `POST ${path} HTTP/1.1\r\nHost: host\r\nContent-Type: application/octet-stream\r\nContent-Length: 4000000\r\n\r\n`,
      )
      client.send('a'.repeat(1_500_000))
      await client.receives('PAYLOAD_TOO_LARGE')
      expect((await setting.standIn.observed()).bytesRead).toBeLessThanOrEqual(1_500_000)
      client.send('a'.repeat(2_500_000) + `GET ${path.replace('upload', 'text')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      await client.receives('plain text')
      client.close()
    })

    it('lets a client wait for 100 Continue', async () => {
      const client = await RawClient.open(setting.url)
      const path = new URL(`${setting.base}/json`).pathname
      client.send(
        `POST ${path} HTTP/1.1\r\nHost: host\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n`,
      )
      await client.receives('100 Continue')
      client.send('{"a":1}')
      expect(await client.receives('{"body":{"a":1}}')).toContain('HTTP/1.1 200 OK')
      client.close()
    })
  })
}
