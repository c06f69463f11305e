import { describe, expect, it } from 'vitest'
import type { Setting } from '../adapter-conformance.js'
import { RawClient, until } from '../client.js'

export function faultCases(setting: Setting): void {
  const { standIn } = setting
  const path = (name: string) => new URL(setting.base + name).pathname

  describe('faults of clients', () => {
    const heads = {
      'a Host header that is a path': (p: string) => `GET ${p} HTTP/1.1\r\nHost: evil/../x?\r\n\r\n`,
      'a Host header with credentials': (p: string) => `GET ${p} HTTP/1.1\r\nHost: user:pass@evil\r\n\r\n`,
      'a method that the Web forbids': (p: string) => `TRACE ${p} HTTP/1.1\r\nHost: host\r\n\r\n`,
    }
    for (const [what, head] of Object.entries(heads)) {
      it(`answers ${what} with an error of the client`, async ({ skip }) => {
        if (!setting.options.isDirect) skip('the server in front answers')
        const client = await RawClient.open(setting.url)
        client.send(head(path('/info')))
        expect(await client.receives('\r\n\r\n')).toMatch(/^HTTP\/1.1 4\d\d /)
        client.close()
      })
    }

    it('answers a request line that is no HTTP, and a target that is not a path', async () => {
      for (const text of ['nonsense\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n']) {
        const client = await RawClient.open(setting.url)
        client.send(text)
        await until('the server answers or hangs up', () => client.isClosed || client.received.includes('HTTP/1.1'))
        client.close()
      }
      expect((await fetch(`${setting.base}/text`)).status).toBe(200)
    })

    it('takes a whole URL as the request target', async ({ skip }) => {
      if (!setting.options.isDirect) skip('the server in front answers')
      const client = await RawClient.open(setting.url)
      client.send(`GET http://proxied${path('/info')}?q=1 HTTP/1.1\r\nHost: proxied\r\n\r\n`)
      expect(await client.receives('"query":[["q","1"]]')).toMatch(/^HTTP\/1.1 200 /)
      client.close()
    })

    it('aborts a request whose client goes in the middle of its body', async ({ skip }) => {
      if (setting.mount.jsonParserBefore || !setting.options.isDirect) skip('the host reads the body first')
      await standIn.reset()
      for (const name of ['/json', '/upload']) {
        const client = await RawClient.open(setting.url)
        client.send(
          `POST ${path(name)} HTTP/1.1\r\nHost: host\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"a":`,
        )
        await until('the handler has the request', () => standIn.has('served', name))
        client.close()
        await until('request.signal aborts', () => standIn.has('aborted', name))
      }
      expect((await fetch(`${setting.base}/text`)).status).toBe(200)
    })

    it('serves two requests that came at once on one connection, in order', async () => {
      const client = await RawClient.open(setting.url)
      const request = (q: string) => `GET ${path('/info')}?q=${q} HTTP/1.1\r\nHost: host\r\n\r\n`
      client.send(request('first') + request('second'))
      await client.receives('[["q","second"]]')
      expect(client.received.indexOf('[["q","first"]]')).toBeLessThan(client.received.indexOf('[["q","second"]]'))
      client.close()
    })
  })
}
