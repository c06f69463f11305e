import { describe, expect, it } from 'vitest'
import { docsAsset, docsPage } from '../../src/http/docs-page.js'

const page = (title = 'AgentOS'): Response => docsPage({ title, openapiPath: 'openapi.json' })

/** Every URL that the page names. */
async function urls(response: Response): Promise<string[]> {
  return Array.from((await response.text()).matchAll(/(?:src|href|data-openapi)="([^"]*)"/g), ([, url]) => url ?? '')
}

describe('the docs page', () => {
  it('is an HTML page that nobody may frame, cache or sniff', () => {
    const { status, headers } = page()
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each(['http://host/docs', 'http://host/os/docs', 'https://host/a/b/docs'])(
    'names only URLs of its own mount at %s',
    async (at) => {
      const base = new URL('.', at).href
      const resolved = (await urls(page()))
        .filter((url) => !url.startsWith('data:'))
        .map((url) => new URL(url, at).href)
      expect(new Set(resolved)).toEqual(
        new Set([
          `${base}docs/assets/swagger-ui.css`,
          `${base}docs/assets/swagger-ui-bundle.js`,
          `${base}openapi.json`,
        ]),
      )
    },
  )

  it('names only assets that are served', async () => {
    const names = (await urls(page())).filter((url) => url.startsWith('docs/assets/')).map((url) => url.slice(12))
    expect(names).toHaveLength(2)
    for (const name of names) expect(await docsAsset(name), name).toBeDefined()
  })

  it('allows scripts by a nonce of each response only', async () => {
    const [first, second] = [page(), page()]
    const policy = first.headers.get('content-security-policy') ?? ''
    const [, nonce = ''] = /script-src 'nonce-([^']+)'(?:;|$)/.exec(policy) ?? []
    expect(nonce).toMatch(/^[\w-]{20,}$/)
    expect(policy).toMatch(/^default-src 'none'; /)
    for (const rule of ["connect-src 'self'", "img-src 'self' data:", "base-uri 'none'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toContain('unsafe')
    expect(second.headers.get('content-security-policy')).not.toContain(nonce)
    const scripts = (await first.text()).match(/<script[^>]*>/g) ?? []
    expect(scripts).toHaveLength(2)
    for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`)
  })

  it('writes title and path as text', async () => {
    const text = await docsPage({ title: '</title><script>alert(1)</script>', openapiPath: '"><img>' }).text()
    expect(text).not.toContain('<script>')
    expect(text).not.toContain('<img>')
  })
})

describe('its assets', () => {
  it('come with their type', async () => {
    expect(await docsAsset('swagger-ui.css')).toMatchObject({ type: 'text/css; charset=utf-8' })
    const script = await docsAsset('swagger-ui-bundle.js')
    expect(script?.type).toBe('text/javascript; charset=utf-8')
    expect(Buffer.from(script?.body ?? []).toString()).toContain('SwaggerUIBundle')
  })

  it.each(['', 'swagger-ui.js', '../docs-page.ts', '../../package.json', 'constructor', '__proto__'])(
    'no other file is served: "%s"',
    async (name) => expect(await docsAsset(name)).toBeUndefined(),
  )
})
