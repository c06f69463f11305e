import { expect, it } from 'vitest'
import { form, gated, pay, pausedOn } from '../approvals/support.js'
import { until } from '../support/agent-os.js'
import { served } from './support.js'

const agentId = 'my-agent'

it('finds, decides and removes what a run waits for', async () => {
  const { agentOS, called } = gated({ calls: [pay] })
  const { client } = await served(agentOS)
  const run = await client.runs.create({ agentId, message: 'Go', userId: 'alice' })
  expect(run.status).toBe('paused')
  await expect(client.runs.continue(run.runId, { agentId })).rejects.toMatchObject({ code: 'APPROVAL_PENDING' })

  const filter = { runId: run.runId, pauseType: 'confirmation' } as const
  const { data, meta } = await client.approvals.list({ ...filter, status: 'pending' })
  expect(meta).toMatchObject({ totalCount: 1, page: 1 })
  const { id } = data[0]!
  expect(data).toEqual(JSON.parse(JSON.stringify((await agentOS.approvals.list(filter)).data)))
  expect(await client.approvals.count(filter)).toEqual({ count: 1 })
  expect(await client.approvals.get(id)).toEqual(data[0])
  expect(await client.approvals.status(id)).toEqual({ approvalId: id, status: 'pending', runId: run.runId })
  await expect(client.approvals.delete(id)).rejects.toMatchObject({ status: 409, code: 'APPROVAL_PENDING_DELETE' })

  const resolved = await client.approvals.resolve(id, {
    status: 'approved',
    resolvedBy: 'bob',
    resolutionData: { note: 'Less.', editedArgs: { call_pay: { amount: 5 } } },
  })
  expect(resolved).toMatchObject({ status: 'approved', resolvedBy: 'bob', resolutionData: { note: 'Less.' } })
  await expect(client.approvals.resolve(id, { status: 'rejected' })).rejects.toMatchObject({
    code: 'APPROVAL_ALREADY_RESOLVED',
  })
  expect(await client.runs.continue(run.runId, { agentId })).toMatchObject({ status: 'completed', content: 'pay done' })
  expect(called).toEqual([['pay', { amount: 5 }, 'alice']])

  await client.approvals.delete(id)
  await expect(client.approvals.get(id)).rejects.toMatchObject({ status: 404, code: 'APPROVAL_NOT_FOUND' })
  expect((await client.approvals.list()).data).toEqual([])
})

it('fills in a form, and has the run go on by itself', async () => {
  const { agentOS, called, start } = gated({ calls: [form] })
  const { client } = await served(agentOS)
  const { run, approval } = await pausedOn(agentOS, start())
  await client.approvals.resolve(approval.id, {
    status: 'approved',
    resolutionData: { values: { seats: 2, note: 'By the window' } },
    continueRun: true,
  })
  await until(async () => (await client.runs.get(run.runId, { agentId })).status === 'completed')
  expect(called).toEqual([['form', { day: 'Monday', seats: 2, note: 'By the window' }]])
})
