import { describe, expect, it } from 'vitest'
import type { AgentOSOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'

interface ErrorBody {
  detail: string
  error_code: string
  errors?: { path: string; message: string }[]
}

async function refused(path: string, init: RequestInit = {}, limits: AgentOSOptions['limits'] = {}) {
  const response = await testAgentOS(scripted('Hello!'), { limits }).fetch(new Request(`http://host${path}`, init))
  return { status: response.status, body: (await response.json()) as ErrorBody }
}

const form = (body: BodyInit, type?: string) => ({
  method: 'POST',
  body,
  ...(type !== undefined && { headers: { 'content-type': type } }),
})

describe('what is too long is refused before it costs anything', () => {
  it('a URL', async () => {
    const long = `/sessions?user_id=${'a'.repeat(17_000)}`
    expect(await refused(long)).toMatchObject({ status: 414, body: { error_code: 'URI_TOO_LONG' } })
    expect((await refused('/sessions?limit=1', {}, { urlLength: 20 })).status).toBe(414)
  })

  it('a query of very many parameters', async () => {
    const many = '&'.repeat(0) + Array.from({ length: 1001 }, () => 'a=1').join('&')
    const { status, body } = await refused(`/sessions?${many}`)
    expect([status, body.detail]).toEqual([422, expect.stringContaining('more than 1000 parameters')])
  })

  it('names of fields and files in forms', async () => {
    const name = 'n'.repeat(256)
    const long = new FormData()
    long.set(name, 'x')
    const file = new FormData()
    file.set('files', new File(['x'], `${name}.txt`, { type: 'text/plain' }))
    const type = 'application/x-www-form-urlencoded'
    for (const init of [form(long), form(file), form(`message=Hi&${name}=1`, type)]) {
      const { status, body } = await refused('/agents/my-agent/runs', init)
      expect([status, body.detail]).toEqual([422, expect.stringMatching(/has 2\d\d characters; at most 255/)])
    }
  })

  it('what an error says of what was sent', async () => {
    const json = 'application/json'
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'k'.repeat(3_000)}${at}`, 1]))
    const init = { ...form(JSON.stringify(unknown), json), method: 'PATCH' }
    const { status, body } = await refused('/sessions/any', init)
    expect(status).toBe(422)
    expect(body.errors).toHaveLength(100)
    expect(JSON.stringify(body).length).toBeLessThan(100 * 5_000)
    expect(body.detail.length).toBeLessThanOrEqual(2001)
  })
})
