import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.js'
import type { ServedAgentOS } from '../agent-os-conformance.js'
import { postJson, runsAt } from './agent-os-client.js'
import type { Body } from './agent-os-client.js'

export function agentOSBodyCases(served: ServedAgentOS): void {
  describe('runs', () => {
    it('takes JSON, with any letters, and reads back the same', async () => {
      const sessionId = newId('thread')
      const message = 'Grüße 🌍 \u2028 "quoted"'
      const response = await postJson(runsAt(served), { message, user_id: 'alice', session_id: sessionId })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      const run = (await response.json()) as Body
      expect(run).toMatchObject({
        run_id: response.headers.get('x-run-id'),
        session_id: sessionId,
        user_id: 'alice',
        agent_id: served.agentId,
        status: 'completed',
        input: { input_content: message },
        content: expect.any(String),
      })
      expect(run.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      expect(await (await fetch(`${runsAt(served)}/${String(run.run_id)}`)).json()).toEqual(run)
    })

    it('takes a urlencoded form', async () => {
      const body = new URLSearchParams({
        message: 'a b&c=ü',
        session_id: '',
        stream: 'false',
        session_state: '{"a":{"b":1}}',
      })
      const response = await fetch(runsAt(served), { method: 'POST', body })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        status: 'completed',
        input: { input_content: 'a b&c=ü' },
        session_state: { a: { b: 1 } },
      })
    })

    it('takes a multipart form with a file', async () => {
      const form = new FormData()
      form.set('message', 'What does this say?')
      form.set('metadata', '{"from":"form"}')
      form.append('files', new File(['some words'], 'notes.txt', { type: 'text/plain' }))
      const response = await fetch(runsAt(served), { method: 'POST', body: form })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        metadata: { from: 'form' },
        input: { files: [{ filename: 'notes.txt', mime_type: 'text/plain', content: 'some words' }] },
      })
    })
  })
}
