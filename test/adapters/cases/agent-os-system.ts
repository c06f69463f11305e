import { describe, expect, it } from 'vitest'
import type { ServedAgentOS } from '../agent-os-conformance.js'
import { at } from './agent-os-client.js'
import type { Body } from './agent-os-client.js'

export function agentOSSystemCases(served: ServedAgentOS): void {
  describe('the rest of the API, and the host beside it', () => {
    it('keeps the host’s own routes', async () => {
      const response = await fetch(served.url + served.hello.path)
      expect([response.status, await response.text()]).toEqual([200, served.hello.text])
    })

    it('takes over the request id of a client, and makes one else', async () => {
      const given = await fetch(at(served, '/health'), { headers: { 'x-request-id': 'abc-1' } })
      expect(given.headers.get('x-request-id')).toBe('abc-1')
      const made = await fetch(at(served, '/health'))
      expect([made.status, made.headers.get('x-request-id')]).toEqual([200, expect.stringMatching(/^req_/)])
    })

    it('describes itself as seen from the mount', async () => {
      const response = await fetch(at(served, '/openapi.json'))
      const document = (await response.json()) as Body
      expect(document.openapi).toMatch(/^3\.1\./)
      expect(document.servers).toEqual([{ url: served.basePath || '/' }])
      expect(Object.keys(document.paths as object)).toContain('/agents/{agent_id}/runs')
    })

    it('shows the page of the API, with its files', async () => {
      const page = await fetch(at(served, '/docs'))
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      const html = await page.text()
      const links = Array.from(html.matchAll(/(?:src|href|data-openapi)="([^"#]+)"/g), ([, link]) => link!)
      const local = links.filter((link) => !link.startsWith('data:'))
      expect(local.length).toBeGreaterThanOrEqual(3)
      for (const link of local) {
        const file = await fetch(new URL(link, page.url))
        expect([link, file.status]).toEqual([link, 200])
        await file.body?.cancel()
      }
    })

    it('lists agents and sessions', async () => {
      const agents: unknown = await (await fetch(at(served, '/agents'))).json()
      expect(agents).toMatchObject([{ id: served.agentId }])
      const sessions: unknown = await (await fetch(at(served, '/sessions?limit=2'))).json()
      expect(sessions).toMatchObject({ meta: { page: 1, limit: 2 } })
    })
  })
}
