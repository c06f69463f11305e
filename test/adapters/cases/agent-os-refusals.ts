import { describe, expect, it } from 'vitest'
import type { ServedAgentOS } from '../agent-os-conformance.js'
import { at, json, postJson, runsAt } from './agent-os-client.js'

/** The body of an error, whatever it says. */
const errorBody = (code: string) => ({
  detail: expect.any(String),
  error_code: code,
  request_id: expect.any(String),
})

export function agentOSRefusalCases(served: ServedAgentOS): void {
  describe('refusals', () => {
    it('404: an agent that is not there', async () => {
      const response = await postJson(at(served, '/agents/nobody/runs'), { message: 'Hello' })
      expect([response.status, await response.json()]).toEqual([404, errorBody('AGENT_NOT_FOUND')])
    })

    it('404: a path that is nobody’s is the host’s to answer', async () => {
      for (const path of ['/nothing-here', '/agents/my-agent/nothing-here']) {
        const response = await fetch(at(served, path))
        const answer: unknown = served.notFound === undefined ? await response.json() : await response.text()
        expect([response.status, answer]).toEqual([404, served.notFound ?? errorBody('ROUTE_NOT_FOUND')])
      }
    })

    it('405: a method that a path does not know, with those that it does', async () => {
      const response = await fetch(runsAt(served), { method: 'DELETE' })
      expect([response.status, await response.json()]).toEqual([405, errorBody('METHOD_NOT_ALLOWED')])
      const allow = response.headers.get('allow')?.split(', ').toSorted()
      expect(allow).toEqual(['GET', 'HEAD', 'OPTIONS', 'POST'])
    })

    it('413: a body of more than 10 MiB', async ({ skip }) => {
      if (served.jsonParserBefore) skip('the host refuses it first')
      const response = await postJson(runsAt(served), { message: 'x'.repeat(11 * 1024 * 1024) })
      expect([response.status, await response.json()]).toEqual([413, errorBody('PAYLOAD_TOO_LARGE')])
    })

    it('415: a body of another type', async () => {
      const response = await fetch(runsAt(served), {
        method: 'POST',
        headers: { 'content-type': 'application/xml' },
        body: '<message>Hello</message>',
      })
      expect([response.status, await response.json()]).toEqual([415, errorBody('UNSUPPORTED_MEDIA_TYPE')])
    })

    it('422: a body that is not valid, with what is wrong', async () => {
      const response = await postJson(runsAt(served), { message: '', stream: 'perhaps' })
      expect(response.status).toBe(422)
      expect(await response.json()).toEqual({
        ...errorBody('VALIDATION_ERROR'),
        errors: expect.arrayContaining([expect.objectContaining({ path: 'message' })]),
      })
    })

    it('400: malformed JSON', async ({ skip }) => {
      if (served.jsonParserBefore) skip('the host parses it first, and answers 400 itself')
      const response = await fetch(runsAt(served), { method: 'POST', headers: json, body: '{"message":' })
      expect([response.status, await response.json()]).toEqual([400, errorBody('MALFORMED_BODY')])
    })
  })
}
