import { describe, expect, it } from 'vitest'
import type { Setting } from '../adapter-conformance.js'
import { RawClient, until } from '../client.js'

export function hostCases(setting: Setting): void {
  const { standIn, mount, options } = setting

  describe('the host beside us', () => {
    it('keeps its own routes', async () => {
      expect(await (await fetch(`${setting.url}/host/hello`)).text()).toBe('hello from the host')
    })

    it('keeps its own parsers', async () => {
      const response = await fetch(`${setting.url}/host/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"a":1}',
      })
      expect(await response.json()).toEqual({ a: 1 })
    })

    it('answers what is not ours, and we never see it', async ({ skip }) => {
      if (!options.hasNext) skip('the adapter has no next handler')
      await standIn.reset()
      for (const path of [`${mount.basePath}/unknown`, '/elsewhere', `${mount.basePath}/six`, '/OS-not/si/info']) {
        for (const method of ['GET', 'POST']) {
          const response = await fetch(setting.url + path, { method })
          expect([path, response.status, await response.text()]).toEqual([path, 404, 'host 404'])
        }
      }
      expect((await standIn.observed()).served).toEqual([])
    })

    it('is not fooled by paths that leave the mount', async () => {
      await standIn.reset()
      for (const path of [
        '/host/../si/info',
        `${mount.basePath}/si/../../etc/passwd`,
        `${mount.basePath}/si/%2e%2e/x`,
      ]) {
        await fetchRaw(setting.url, path)
      }
      const { served } = await standIn.observed()
      expect(served.filter((path) => path.includes('..') || path.includes('etc'))).toEqual([])
    })

    it('handles its own errors', async ({ skip }) => {
      if (!options.hasErrorHandler) skip('the host has no error handler')
      const response = await fetch(`${setting.url}/host/error`)
      expect([response.status, await response.text()]).toEqual([500, 'host error: its own'])
    })

    it('gets what the handler throws', async () => {
      const response = await fetch(`${setting.base}/throw`)
      expect(response.status).toBe(500)
      expect(await response.text()).toBe(options.hasErrorHandler ? 'host error: the core broke' : '')
    })

    it('adds its headers to ours', async ({ skip }) => {
      if (!options.hasErrorHandler) skip('the fixture sets none')
      for (const path of ['/text', '/cookies']) {
        expect((await fetch(setting.base + path)).headers.get('x-host')).toBe('yes')
      }
    })
  })
}

/** Sends a path as it is: `fetch` would resolve its dots. */
async function fetchRaw(url: string, path: string): Promise<string> {
  const client = await RawClient.open(url)
  client.send(`GET ${path} HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n`)
  await until('the server has answered', () => client.isClosed)
  return client.received
}
