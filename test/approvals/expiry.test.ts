import { describe, expect, it } from 'vitest'
import { Agent, ConfigurationError, tool } from 'agentos-sdk'
import type { AgentOS, Approval } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { z } from 'zod'
import { temporaryPath } from '../storage/support/temporary.js'
import { testAgentOS, until } from '../support/agent-os.js'
import { TestClock } from '../support/served-os.js'
import { gated, pausedOn } from './support.js'

const MINUTE = 60_000

/** An approval that expires a minute after its run has paused, and what the host was told. */
function expiring(policy?: 'reject' | 'wait', sweepMs = 60 * MINUTE) {
  const clock = new TestClock()
  const told: string[] = []
  const note = (what: string) => (approval: Approval) => void told.push(`${what} ${approval.status}`)
  const served = gated({
    clock,
    runs: { sweepMs },
    tool: { approvalExpiry: { afterMs: MINUTE, policy } },
    approvals: { onExpired: note('expired'), onResolved: note('resolved') },
  })
  return { ...served, clock, told, paused: () => pausedOn(served.agentOS, served.start()) }
}

describe('an approval that expires', () => {
  it('says when', async () => {
    const { paused } = expiring()
    const { approval } = await paused()
    const wait = Date.parse(approval.expiresAt!) - Date.parse(approval.createdAt)
    expect(Math.abs(wait - MINUTE)).toBeLessThan(50)
  })

  it.each<[string, (approvals: AgentOS['approvals'], id: string) => Promise<unknown>]>([
    ['gets it', async (approvals, id) => (await approvals.get(id)).status],
    ['polls for it', async (approvals, id) => (await approvals.status(id)).status],
    ['lists', async (approvals) => (await approvals.list()).data[0]?.status],
    ['counts', async (approvals) => ((await approvals.count()).count === 0 ? 'expired' : 'pending')],
  ])('has expired for whoever %s', async (_what, look) => {
    const { agentOS, clock, paused, told } = expiring()
    const { approval } = await paused()
    expect(await look(agentOS.approvals, approval.id)).toBe('pending')
    clock.advance(MINUTE)
    expect(await look(agentOS.approvals, approval.id)).toBe('expired')
    expect(told).toEqual(['expired expired'])
    const late = agentOS.approvals.resolve(approval.id, { status: 'approved' })
    await expect(late).rejects.toMatchObject({ code: 'APPROVAL_ALREADY_RESOLVED', message: /was expired/ })
    expect(told).toHaveLength(1)
  })

  it('counts as rejected for its run, which the model is told', async () => {
    const { agentOS, called, clock, paused } = expiring()
    const { run } = await paused()
    await expect(agentOS.runs.continue(run.runId)).rejects.toMatchObject({ code: 'APPROVAL_PENDING' })
    clock.advance(MINUTE)
    const confirmed = { tools: [{ toolCallId: 'call_pay', confirmed: true }] }
    const refused = agentOS.runs.continue(run.runId, confirmed)
    await expect(refused).rejects.toMatchObject({ code: 'APPROVAL_ALREADY_RESOLVED' })
    expect(await agentOS.runs.continue(run.runId)).toMatchObject({
      status: 'completed',
      content: 'The call was rejected, and not made. Nobody has approved it in time.',
    })
    expect(called).toEqual([])
  })

  it('is found by the loop in the background, with nobody looking', async () => {
    const { clock, paused, told } = expiring('reject', 10)
    await paused()
    clock.advance(MINUTE)
    await until(() => told.length > 0)
    expect(told).toEqual(['expired expired'])
  })

  it('is not resolved in the moment in which it expires', async () => {
    const { agentOS, clock, paused, called } = expiring()
    for (let trial = 0; trial < 20; trial++) {
      const { run, approval } = await paused()
      clock.advance(Date.parse(approval.expiresAt!) - clock.now() - 12)
      const resolve = async () => agentOS.approvals.resolve(approval.id, { status: 'approved' })
      await Promise.allSettled([resolve(), resolve(), resolve(), agentOS.approvals.get(approval.id), resolve()])
      const { status } = await agentOS.approvals.get(approval.id)
      const before = called.length
      await agentOS.runs.continue(run.runId)
      expect(called.length - before).toBe(status === 'approved' ? 1 : 0)
    }
  })

  it('waits on where the tool says so: the host is told once, and somebody may still resolve', async () => {
    const { agentOS, clock, paused, called, told } = expiring('wait')
    const { run, approval } = await paused()
    clock.advance(MINUTE)
    expect((await agentOS.approvals.list()).data).toMatchObject([{ status: 'pending' }])
    expect((await agentOS.approvals.count()).count).toBe(1)
    expect(told).toEqual(['expired pending'])
    await expect(agentOS.runs.continue(run.runId)).rejects.toMatchObject({ code: 'APPROVAL_PENDING' })
    await agentOS.approvals.resolve(approval.id, { status: 'approved' })
    await agentOS.runs.continue(run.runId)
    expect(called).toHaveLength(1)
  })
})

describe('after a restart', () => {
  it('a run that waits for its approval goes on, days later', async () => {
    const path = temporaryPath()
    const first = gated({ storage: sqlite(path) })
    const { run, approval } = await pausedOn(first.agentOS, first.start('alice'))
    await first.agentOS.stop()
    const second = gated({ storage: sqlite(path), clock: { now: () => Date.now() + 5 * 24 * 60 * MINUTE } })
    expect(await second.agentOS.approvals.get(approval.id)).toEqual(approval)
    await second.agentOS.approvals.resolve(approval.id, { status: 'approved' })
    expect((await second.agentOS.runs.continue(run.runId)).status).toBe('completed')
    expect(second.called).toEqual([['pay', { amount: 7 }, 'alice']])
  })

  it('a run goes on that was to go on by itself, when the process died before', async () => {
    const path = temporaryPath()
    const first = gated({ storage: sqlite(path) })
    const { run, approval } = await pausedOn(first.agentOS, first.start())
    await first.agentOS.stop()
    // What is left when the process dies between the two.
    const storage = sqlite(path)
    const at = Date.now()
    const change = { status: 'approved', at, continuesRun: true, deliveries: [] } as const
    const caller = { kind: 'root', scopes: [], admin: true, scoped: false } as const
    expect(await storage.approvals.resolve(caller, approval.id, change)).toBe(true)
    await storage.close()
    const second = gated({ storage: sqlite(path) })
    await second.agentOS.fetch(new Request('http://host/health'))
    await until(async () => (await second.agentOS.runs.get(run.runId)).status === 'completed')
    expect(second.called).toHaveLength(1)
  })

  it('a call whose tool is not there any more can be rejected, and not approved', async () => {
    const path = temporaryPath()
    const first = gated({ storage: sqlite(path) })
    const { run, approval } = await pausedOn(first.agentOS, first.start())
    await first.agentOS.stop()
    const model = scripted('Then not.')
    const second = testAgentOS(model, { storage: sqlite(path) })
    const approve = second.approvals.resolve(approval.id, { status: 'approved' })
    await expect(approve).rejects.toMatchObject({ code: 'RUN_NOT_CONTINUABLE', status: 409 })
    expect(await second.approvals.get(approval.id)).toMatchObject({ status: 'pending', runStatus: 'paused' })
    await second.approvals.resolve(approval.id, { status: 'rejected' })
    expect((await second.runs.continue(run.runId)).status).toBe('completed')
  })

  it('a call whose tool takes other arguments by now is approved with others', async () => {
    const path = temporaryPath()
    const first = gated({ storage: sqlite(path) })
    const { run, approval } = await pausedOn(first.agentOS, first.start())
    await first.agentOS.stop()
    const called: unknown[] = []
    const changed = tool({
      name: 'pay',
      input: z.object({ cents: z.number() }),
      approval: 'required',
      execute: (args) => void called.push(args),
    })
    const model = scripted('Done.')
    const second = testAgentOS(model, {
      agents: [new Agent({ id: 'my-agent', model, tools: [changed] })],
      storage: sqlite(path),
    })
    const approve = second.approvals.resolve(approval.id, { status: 'approved' })
    await expect(approve).rejects.toMatchObject({ code: 'RUN_NOT_CONTINUABLE' })
    const resolutionData = { editedArgs: { call_pay: { cents: 700 } } }
    await second.approvals.resolve(approval.id, { status: 'approved', resolutionData })
    await second.runs.continue(run.runId)
    expect(called).toEqual([{ cents: 700 }])
  })
})

describe('a tool that says when its approval expires', () => {
  const make = (approval: 'required' | 'audit' | undefined, afterMs: number) => () =>
    tool({ name: 'pay', approval, requiresConfirmation: true, approvalExpiry: { afterMs }, execute: () => 'done' })

  it.each([
    ['has no approval', make(undefined, 1)],
    ['has an audit only', make('audit', 1)],
    ['has no time', make('required', 0)],
    ['has a time that is none', make('required', Number.NaN)],
  ])('is refused when it %s', (_what, made) => expect(made).toThrow(ConfigurationError))
})
