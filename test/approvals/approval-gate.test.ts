import { describe, expect, it } from 'vitest'
import type { Approval } from 'agentos-sdk'
import { until } from '../support/agent-os.js'
import { audited, form, gated, pausedOn, pay, plain, print, user } from './support.js'

describe('a run that calls a tool with a required approval', () => {
  it('pauses, and leaves a pending approval that its calls and requirements name', async () => {
    const { agentOS, start, called } = gated({ calls: [pay, plain] })
    const { run, approval } = await pausedOn(agentOS, start('alice'))
    expect(run.status).toBe('paused')
    expect(approval).toMatchObject({
      id: expect.stringMatching(/^apr_/),
      runId: run.runId,
      sessionId: run.sessionId,
      status: 'pending',
      sourceType: 'agent',
      agentId: 'my-agent',
      sourceName: 'My agent',
      approvalType: 'required',
      pauseType: 'confirmation',
      toolName: 'pay',
      toolArgs: { amount: 7 },
      context: { toolNames: ['pay'], sourceName: 'My agent' },
      userId: 'alice',
      runStatus: 'paused',
    })
    expect(approval.requirements).toEqual(run.requirements)
    const stamps = run.requirements!.map(({ toolExecution: { approvalId, approvalType } }) => [
      approvalId,
      approvalType,
    ])
    expect(stamps).toEqual([
      [approval.id, 'required'],
      [undefined, undefined],
    ])
    expect(run.tools!.map(({ approvalId }) => approvalId)).toEqual([approval.id, undefined])
    expect(called).toEqual([])
  })

  it('can not be continued while the approval is pending, whatever is sent', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    for (const given of [
      {},
      { tools: [{ toolCallId: 'call_pay', confirmed: true }] },
      { tools: [{ toolCallId: 'call_pay', confirmed: false }] },
      { requirements: [{ id: run.requirements![0]!.id, confirmation: true }] },
    ]) {
      await expect(agentOS.runs.continue(run.runId, given)).rejects.toMatchObject({
        code: 'APPROVAL_PENDING',
        status: 403,
        message: expect.stringContaining(approval.id),
      })
    }
    expect(called).toEqual([])
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it('makes the call with an empty continue once it is approved', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start('alice'))
    const resolved = await agentOS.approvals.resolve(approval.id, { status: 'approved', resolvedBy: 'bob' })
    expect(resolved).toMatchObject({ status: 'approved', resolvedBy: 'bob', runStatus: 'paused' })
    expect(resolved.resolvedAt).toMatch(/Z$/)
    expect(called).toEqual([])
    const done = await agentOS.runs.continue(run.runId)
    expect(done).toMatchObject({ status: 'completed', content: 'pay done' })
    expect(done.tools).toMatchObject([{ approvalId: approval.id, approvalType: 'required', confirmed: true }])
    expect(called).toEqual([['pay', { amount: 7 }, 'alice']])
    expect(await agentOS.approvals.get(approval.id)).toMatchObject({ status: 'approved', runStatus: 'completed' })
  })

  it('tells the model the note of a rejection', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    await agentOS.approvals.resolve(approval.id, { status: 'rejected', resolutionData: { note: 'Too much.' } })
    const done = await agentOS.runs.continue(run.runId)
    expect(done).toMatchObject({ status: 'completed', content: 'The call was rejected, and not made. Too much.' })
    expect(called).toEqual([])
  })

  it('goes on by itself where the resolution asks for it', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    const resolved = await agentOS.approvals.resolve(approval.id, { status: 'approved', continueRun: true })
    expect(['running', 'completed']).toContain(resolved.runStatus)
    await until(async () => (await agentOS.runs.get(run.runId)).status === 'completed')
    expect(called).toHaveLength(1)
  })

  it('goes on as the caller that has started it, not as the one that has resolved', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start('alice'))
    await agentOS.as(user('bob')).approvals.resolve(approval.id, { status: 'approved', continueRun: true })
    await until(async () => (await agentOS.runs.get(run.runId)).status === 'completed')
    expect(called).toEqual([['pay', { amount: 7 }, 'alice']])
  })

  it('still waits for plain decisions about its other calls', async () => {
    const { agentOS, start, called } = gated({ calls: [pay, plain] })
    const { run, approval } = await pausedOn(agentOS, start())
    await agentOS.approvals.resolve(approval.id, { status: 'approved', continueRun: true })
    await expect(agentOS.runs.continue(run.runId)).rejects.toMatchObject({
      code: 'RUN_REQUIREMENTS_UNRESOLVED',
      requirementIds: [run.requirements![1]!.id],
    })
    await agentOS.runs.continue(run.runId, { tools: [{ toolCallId: 'call_plain', confirmed: true }] })
    expect(called.map(([name]) => name).toSorted()).toEqual(['pay', 'plain'])
  })

  it('is asked again for each further call', async () => {
    const again = { toolCalls: [{ ...pay, id: 'call_again', arguments: { amount: 8 } }] }
    const { agentOS, start, called } = gated({ answers: [again, 'Done.'] })
    const first = await pausedOn(agentOS, start())
    await agentOS.approvals.resolve(first.approval.id, { status: 'approved' })
    const second = await pausedOn(agentOS, agentOS.runs.continue(first.run.runId))
    expect(second.run.status).toBe('paused')
    expect(second.approval.id).not.toBe(first.approval.id)
    expect(called).toEqual([['pay', { amount: 7 }]])
    await agentOS.approvals.resolve(second.approval.id, { status: 'approved' })
    expect((await agentOS.runs.continue(first.run.runId)).status).toBe('completed')
    expect(called).toEqual([
      ['pay', { amount: 7 }],
      ['pay', { amount: 8 }],
    ])
  })

  it('takes its approval along when it is cancelled', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    await agentOS.runs.cancel(run.runId)
    expect(await agentOS.approvals.get(approval.id)).toMatchObject({ status: 'cancelled', runStatus: 'cancelled' })
    await expect(agentOS.approvals.resolve(approval.id, { status: 'approved' })).rejects.toMatchObject({
      code: 'APPROVAL_ALREADY_RESOLVED',
      message: expect.stringContaining('cancelled'),
    })
    expect(called).toEqual([])
  })

  it('leaves a closed record when its session is deleted', async () => {
    const { agentOS, start } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    await agentOS.sessions.delete(run.sessionId)
    const left = await agentOS.approvals.get(approval.id)
    expect(left).toMatchObject({ status: 'cancelled', runId: run.runId })
    expect(left.runStatus).toBeUndefined()
  })
})

describe('the data of a resolution', () => {
  const incomplete = { code: 'RESOLUTION_INCOMPLETE', status: 422 }

  it('fills in the fields that a person gives', async () => {
    const { agentOS, start, called } = gated({ calls: [form] })
    const { run, approval } = await pausedOn(agentOS, start())
    expect(approval.pauseType).toBe('user_input')
    const resolve = (values: Record<string, string | number>) =>
      agentOS.approvals.resolve(approval.id, { status: 'approved', resolutionData: { values } })
    await expect(resolve({ seats: 2 })).rejects.toMatchObject(incomplete)
    await expect(resolve({ seats: 2, note: 'x', day: 'Friday' })).rejects.toMatchObject(incomplete)
    await expect(resolve({ seats: 'two', note: 'x' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((await agentOS.approvals.get(approval.id)).status).toBe('pending')
    await resolve({ seats: 2, note: 'x' })
    await agentOS.runs.continue(run.runId)
    expect(called).toEqual([['form', { day: 'Monday', seats: 2, note: 'x' }]])
  })

  it('brings the result of a tool that is executed elsewhere', async () => {
    const { agentOS, start } = gated({ calls: [print] })
    const { run, approval } = await pausedOn(agentOS, start())
    expect(approval.pauseType).toBe('external_execution')
    await expect(agentOS.approvals.resolve(approval.id, { status: 'approved' })).rejects.toMatchObject(incomplete)
    await agentOS.approvals.resolve(approval.id, { status: 'approved', resolutionData: { result: 'printed' } })
    expect(await agentOS.runs.continue(run.runId)).toMatchObject({ status: 'completed', content: 'printed' })
  })

  it('edits arguments, which the tool has to take', async () => {
    const { agentOS, start, called } = gated()
    const { run, approval } = await pausedOn(agentOS, start())
    const resolve = (editedArgs: Record<string, Record<string, string | number>>) =>
      agentOS.approvals.resolve(approval.id, { status: 'approved', resolutionData: { editedArgs } })
    await expect(resolve({ call_pay: { amount: 'much' } })).rejects.toMatchObject({ code: 'INVALID_TOOL_ARGS' })
    await expect(resolve({ call_other: { amount: 1 } })).rejects.toMatchObject({ code: 'UNKNOWN_TOOL_CALL' })
    await resolve({ call_pay: { amount: 5 } })
    const done = await agentOS.runs.continue(run.runId)
    expect(called).toEqual([['pay', { amount: 5 }]])
    expect(done.tools).toMatchObject([{ toolArgs: { amount: 7 }, editedArgs: { amount: 5 } }])
  })

  it.each([
    [pay, { values: { amount: 1 } }],
    [pay, { result: 'paid' }],
    [form, { values: { seats: 1, note: 'x' }, editedArgs: { call_form: { day: 'Friday' } } }],
  ])('says nothing that was not asked for: %j, %j', async (call, resolutionData) => {
    const { agentOS, start } = gated({ calls: [call] })
    const { approval } = await pausedOn(agentOS, start())
    const refused = agentOS.approvals.resolve(approval.id, { status: 'approved', resolutionData })
    await expect(refused).rejects.toMatchObject(incomplete)
  })
})

describe('a tool whose approval is an audit', () => {
  it.each([
    [true, 'approved', ['audited']],
    [false, 'rejected', []],
  ] as const)('is recorded with its decision (confirmed: %s), already closed', async (confirmed, status, made) => {
    const { agentOS, start, called } = gated({ calls: [audited] })
    const run = await start('alice')
    expect(await agentOS.approvals.list()).toMatchObject({ data: [] })
    const decision = { toolCallId: 'call_audited', confirmed, confirmationNote: 'Because.' }
    const done = await agentOS.as(user('bob')).runs.continue(run.runId, { tools: [decision] })
    expect(called.map(([name]) => name)).toEqual(made)
    const { data } = await agentOS.approvals.list()
    expect(data).toMatchObject([
      { approvalType: 'audit', status, resolvedBy: 'bob', runId: run.runId, userId: 'alice' },
    ])
    expect(done.tools).toMatchObject([{ approvalId: data[0]!.id, approvalType: 'audit' }])
    const again = agentOS.approvals.resolve(data[0]!.id, { status: 'approved' })
    await expect(again).rejects.toMatchObject({ code: 'APPROVAL_ALREADY_RESOLVED' })
  })
})

describe('what the host is told', () => {
  it('of each approval that is made, and of each that is resolved', async () => {
    const told: [string, Approval][] = []
    const { agentOS, start } = gated({
      approvals: {
        onCreated: (approval) => void told.push(['created', approval]),
        onResolved: (approval) => {
          told.push(['resolved', approval])
          throw new Error('A callback that fails harms nobody.')
        },
      },
    })
    const { approval } = await pausedOn(agentOS, start())
    await agentOS.approvals.resolve(approval.id, { status: 'approved' })
    expect(told.map(([what, { id, status }]) => [what, id, status])).toEqual([
      ['created', approval.id, 'pending'],
      ['resolved', approval.id, 'approved'],
    ])
  })
})
