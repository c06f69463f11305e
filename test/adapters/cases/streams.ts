import { beforeEach, describe, expect, it } from 'vitest'
import type { Setting } from '../adapter-conformance.js'
import { RawClient, readUntil, until } from '../client.js'

export function streamCases(setting: Setting): void {
  const { standIn } = setting
  const pathTo = (path: string) => new URL(setting.base + path).pathname

  describe('streams', () => {
    beforeEach(() => standIn.reset())

    it('delivers the first event while the stream goes on', async () => {
      const response = await fetch(`${setting.base}/sse`, { headers: { 'accept-encoding': 'gzip' } })
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      expect(response.headers.get('cache-control')).toContain('no-cache')
      const reader = await readUntil(response, 'RunStarted')
      await standIn.release()
      let rest = ''
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest += new TextDecoder().decode(next.value)
      expect(rest).toContain('RunCompleted')
    })

    it('answers before the first event is there', async ({ skip }) => {
      if (!setting.options.isDirect) skip('the server in front waits for a first chunk')
      const response = await fetch(`${setting.base}/quiet`)
      expect(response.status).toBe(200)
      await standIn.release()
      expect(await response.text()).toBe(': end\n\n')
    })

    it('never aborts a request that was answered in full', async () => {
      const client = await RawClient.open(setting.url)
      client.send(`GET ${pathTo('/text')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      await client.receives('plain text')
      client.send(`GET ${pathTo('/sse')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      await client.receives('RunStarted')
      await standIn.release()
      await client.receives('RunCompleted')
      await client.receives('\r\n0\r\n\r\n')
      client.close()
      // A later request shows that the server has seen the connection close.
      const response = await fetch(`${setting.base}/endless`, { signal: AbortSignal.timeout(5_000) })
      await response.body?.cancel()
      await until('the abandoned stream aborts', () => standIn.has('aborted', '/endless'))
      expect((await standIn.observed()).aborted).toEqual(['/endless'])
    })

    it('aborts the request and cancels the stream when the client goes', async () => {
      const controller = new AbortController()
      const response = await fetch(`${setting.base}/sse`, { signal: controller.signal })
      await readUntil(response, 'RunStarted')
      controller.abort()
      await until('request.signal aborts', () => standIn.has('aborted', '/sse'))
      await standIn.release()
      await until('the stream is cancelled', () => standIn.has('cancelled', '/sse'))
      expect(await standIn.observed()).toMatchObject({ aborted: ['/sse'], cancelled: ['/sse'] })
    })

    it('stops producing while a client does not read', async () => {
      const client = await RawClient.open(setting.url)
      client.pause()
      client.send(`GET ${pathTo('/endless')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      await until('production begins', async () => (await standIn.observed()).produced > 0)
      // What it makes after that fits in the buffers of two sockets: it comes to rest.
      let last = -1
      let checks = 0
      await until('production rests', async () => {
        const { produced } = await standIn.observed()
        checks = produced === last ? checks + 1 : 0
        last = produced
        return checks > 200
      })
      expect(last * 64 * 1024).toBeLessThan(32 * 1024 * 1024)
      client.close()
      await until('the stream is cancelled', () => standIn.has('cancelled', '/endless'))
    })

    it('serves the next request of a connection after a stream', async () => {
      const client = await RawClient.open(setting.url)
      client.send(`GET ${pathTo('/sse')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      await client.receives('RunStarted')
      await standIn.release()
      await client.receives('RunCompleted')
      client.send(`GET ${pathTo('/text')} HTTP/1.1\r\nHost: host\r\n\r\n`)
      expect(await client.receives('plain text')).toContain('RunCompleted')
      client.close()
    })

    it('cuts the connection of a stream that breaks, so that it is not taken for whole', async () => {
      const response = await fetch(`${setting.base}/torn`)
      await expect(response.text()).rejects.toThrow('terminated')
      expect((await fetch(`${setting.base}/text`)).status).toBe(200)
    })
  })
}
