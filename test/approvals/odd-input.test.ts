import { expect, it } from 'vitest'
import { ask, form, gated, pausedOn } from './support.js'

const odd = ['%00', 'a%00b', "'", "';--", '%F0%9F%92%A9', '%25', '_', '%3F', 'null', '__proto__', 'x'.repeat(255)]

it('no filter, however odd, is a fault of the server', async () => {
  const { agentOS, start } = gated()
  await start('alice')
  for (const text of odd) {
    for (const name of ['user_id', 'agent_id', 'run_id', 'session_id', 'schedule_id', 'cursor', 'status', 'limit']) {
      for (const path of ['/approvals', '/approvals/count']) {
        const { status } = await ask(agentOS, `GET ${path}?${name}=${text}`)
        expect([200, 422], `${path}?${name}=${text}`).toContain(status)
      }
    }
    for (const line of [`GET /approvals/${text}`, `GET /approvals/${text}/status`, `DELETE /approvals/${text}`]) {
      expect([404, 422], line).toContain((await ask(agentOS, line)).status)
    }
  }
})

it('no resolution, however odd, is a fault of the server, and what is taken reads back as it was', async () => {
  const odds: unknown[] = [
    '\0',
    '\uD800',
    'x\\u0000',
    { __proto__: 1 },
    JSON.parse('{"__proto__":{"a":1}}'),
    [],
    1,
    null,
  ]
  let taken = 0
  for (const value of odds) {
    const { agentOS, start } = gated({ calls: [form] })
    const { run, approval } = await pausedOn(agentOS, start())
    const datas = [
      value,
      { note: value },
      { values: value },
      { values: { seats: 1, note: value } },
      { result: value },
      { edited_args: value },
      { edited_args: { call_form: value } },
    ]
    for (const resolution_data of datas) {
      const body = { status: 'approved', resolved_by: value, resolution_data }
      for (const sent of [body, { ...body, resolved_by: undefined }]) {
        const answer = await ask(agentOS, `POST /approvals/${approval.id}/resolve`, sent)
        expect([200, 409, 422], JSON.stringify(sent)).toContain(answer.status)
        if (answer.status !== 200) continue
        taken += 1
        const { body: read } = await ask(agentOS, `GET /approvals/${approval.id}`)
        expect(JSON.stringify(read.resolution_data)).toBe(JSON.stringify(resolution_data))
        expect((await agentOS.runs.continue(run.runId)).status).toBe('completed')
      }
    }
  }
  expect(taken).toBeGreaterThan(0)
})
