import type { AgentRun } from 'agentos-sdk'
import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { TestClock } from '../support/served-os.js'
import { testAgentOS } from '../support/agent-os.js'
import { temporaryPath } from '../storage/support/temporary.js'

const DAY = 86_400_000

function agents() {
  const model = scripted(({ messages }) => {
    return messages.at(-1)?.content === 'Pay.' ? { toolCalls: [{ id: 'c', name: 'pay' }] } : 'Done.'
  })
  const pay = tool({ name: 'pay', requiresConfirmation: true, execute: () => 'Paid.' })
  return [new Agent({ id: 'my-agent', model, tools: [pay] })]
}

describe('agentOS.database.prune()', () => {
  it('removes old runs and keeps sessions, younger runs, and those that wait for somebody', async () => {
    const clock = new TestClock()
    const agentOS = testAgentOS(undefined, { clock, storage: sqlite(temporaryPath()) })
    const picture = { content: Buffer.from('a picture').toString('base64'), mimeType: 'image/png' }
    const run = { agentId: 'my-agent', sessionId: 'thread-1', userId: 'alice', message: 'Look.' }
    const old = await agentOS.runs.create({ ...run, images: [picture] })
    clock.advance(10 * DAY)
    const young = await agentOS.runs.create(run)
    const olderThan = new Date(clock.now() - 5 * DAY)
    const told = await agentOS.database.prune({ olderThan, dryRun: true })
    expect(told).toMatchObject({ runs: 1, media: 1, approvals: 0, dryRun: true })
    expect(((await agentOS.runs.get(old.runId)) as AgentRun).input?.images).toMatchObject([picture])
    const done = await agentOS.database.prune({ olderThan: olderThan.toISOString() })
    expect(done).toEqual({ ...told, dryRun: false })
    await expect(agentOS.runs.get(old.runId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect((await agentOS.runs.get(young.runId)).status).toBe('completed')
    const session = await agentOS.sessions.get('thread-1')
    expect(session.sessionName).toBe('Look.')
    expect((await agentOS.runs.create(run)).status).toBe('completed')
  })

  it('keeps a run that has paused, and removes it when it has ended', async () => {
    const clock = new TestClock()
    const agentOS = testAgentOS(undefined, { clock, agents: agents() })
    const { runId, status } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Pay.' })
    expect(status).toBe('paused')
    clock.advance(100 * DAY)
    const olderThan = new Date(clock.now() - DAY)
    expect((await agentOS.database.prune({ olderThan })).runs).toBe(0)
    await agentOS.runs.continue(runId, { tools: [{ toolCallId: 'c', confirmed: true }] })
    expect((await agentOS.runs.get(runId)).status).toBe('completed')
    expect((await agentOS.database.prune({ olderThan })).runs).toBe(0)
    clock.advance(10 * DAY)
    expect((await agentOS.database.prune({ olderThan: new Date(clock.now() - DAY) })).runs).toBe(1)
  })

  it('refuses a time that is yet to come, or none, and stops when it is told to', async () => {
    const agentOS = testAgentOS()
    const refused = [new Date(Date.now() + DAY), '30 days', new Date(NaN)]
    for (const olderThan of refused) {
      await expect(agentOS.database.prune({ olderThan })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
    const stopped = agentOS.database.prune({ olderThan: new Date(0), signal: AbortSignal.abort() })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('lets others write between its steps', async () => {
    const clock = new TestClock()
    const agentOS = testAgentOS(undefined, { clock, storage: sqlite(temporaryPath()) })
    const run = () => agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    for (let from = 0; from < 600; from += 50) await Promise.all(Array.from({ length: 50 }, run))
    clock.advance(10 * DAY)
    const pruning = agentOS.database.prune({ olderThan: new Date(clock.now() - DAY) })
    // Whoever comes in the middle of it does not wait until it is over.
    const order: string[] = []
    await Promise.all([
      pruning.then(({ runs }) => order.push(`${runs} removed`)),
      run().then(({ status }) => order.push(status)),
    ])
    expect(order).toEqual(['completed', '600 removed'])
  })
})
