import { describe, expect, it } from 'vitest'
import type { Setting } from '../adapter-conformance.js'

export function responseCases(setting: Setting): void {
  const get = (path: string, init?: RequestInit) => fetch(setting.base + path, init)

  describe('requests and responses', () => {
    it('says where it is mounted, and keeps path, query and headers', async () => {
      const response = await get('/info?a=1&a=2&b=%20x', { headers: { 'x-custom': 'value', cookie: 'a=1; b=2' } })
      expect(await response.json()).toMatchObject({
        method: 'GET',
        basePath: setting.mount.basePath,
        pathname: `${setting.mount.basePath}/si/info`,
        query: [
          ['a', '1'],
          ['a', '2'],
          ['b', ' x'],
        ],
        headers: { 'x-custom': 'value', cookie: 'a=1; b=2', host: new URL(setting.url).host },
      })
    })

    it('passes on every method', async () => {
      for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        expect(await (await get('/info', { method })).json()).toMatchObject({ method })
      }
    })

    it('carries a body that the platform built', async () => {
      const response = await get('/text')
      expect([response.headers.get('x-kind'), await response.text()]).toEqual(['platform', 'plain text'])
    })

    it('carries big bodies whole', async () => {
      expect((await (await get('/big')).text()).length).toBe(5_000_000)
      expect(((await (await get('/big-json')).json()) as { text: string }).text.length).toBe(3_000_000)
    })

    it('answers HEAD with the headers alone, and ends a stream that nobody will read', async () => {
      const response = await get('/info', { method: 'HEAD' })
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
        200,
        'application/json',
        '',
      ])
      const stream = await get('/endless', { method: 'HEAD' })
      expect([stream.headers.get('content-type'), await stream.text()]).toEqual(['text/event-stream', ''])
    })

    it('sends 204 and 304 without a body', async () => {
      const empty = await get('/no-content')
      expect([empty.status, empty.headers.get('content-length'), await empty.text()]).toEqual([204, null, ''])
      const same = await get('/not-modified')
      expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, '"1"', ''])
    })

    it('keeps each cookie on its own, and repeated headers', async () => {
      const { headers } = await get('/cookies')
      expect(headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'])
      expect(headers.get('x-two')).toBe('a, b')
      expect(headers.get('vary')).toContain('Accept')
    })

    it('passes on a status that is an error', async () => {
      const response = await get('/nothing-here')
      expect([response.status, await response.json()]).toEqual([404, { error_code: 'NOT_FOUND' }])
    })
  })
}
