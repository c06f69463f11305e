import { describe, expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { gate, testAgentOS, until } from '../support/agent-os.js'
import { textOf } from '../support/messages.js'

const quick = { sweepMs: 20, pollMs: 20 }

describe('runs.start', () => {
  it('answers with a pending run, which goes through its states', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }), { runs: quick })
    const started = await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi', sessionId: 's' })
    expect(started).toMatchObject({ sessionId: 's', status: 'pending' })
    await until(async () => (await agentOS.runs.get(started.runId)).status === 'running')
    open()
    await until(async () => (await agentOS.runs.get(started.runId)).status === 'completed')
  })

  it('executes no more at once than there is room for, higher priorities first', async () => {
    const { opened, open } = gate()
    const order: string[] = []
    const model = scripted(async ({ messages }) => {
      order.push(textOf(messages.at(-1)))
      await opened
      return 'Done.'
    })
    const agentOS = testAgentOS(model, { runs: { ...quick, maxExecuting: 2 } })
    const start = (message: string, priority: number) => agentOS.runs.start({ agentId: 'my-agent', message, priority })
    await start('first', 0)
    await start('second', 0)
    await until(() => order.length === 2)
    await Promise.all([start('low', -5), start('normal', 0), start('high', 50)])
    expect((await agentOS.runs.list({ statuses: ['pending'], limit: 10 })).data).toHaveLength(3)
    expect(order).toHaveLength(2)
    open()
    await until(() => order.length === 5)
    expect(order.slice(2)).toEqual(['high', 'normal', 'low'])
  })

  it('keeps the order of a session', async () => {
    const order: string[] = []
    const model = scripted(({ messages }) => {
      order.push(textOf(messages.at(-1)))
      return 'Done.'
    })
    const agentOS = testAgentOS(model, { runs: quick })
    const messages = Array.from({ length: 10 }, (_, index) => `message ${index}`)
    for (const message of messages) await agentOS.runs.start({ agentId: 'my-agent', message, sessionId: 's' })
    await until(() => order.length === 10)
    expect(order).toEqual(messages)
  })

  it('waits for its time', async () => {
    const agentOS = testAgentOS(scripted('Done.'), { runs: quick })
    const runAfter = new Date(Date.now() + 300).toISOString()
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Later', sessionId: 's', runAfter })
    const now = await agentOS.runs.create({ agentId: 'my-agent', message: 'Now', sessionId: 's' })
    expect(now.status).toBe('completed')
    expect((await agentOS.runs.get(runId)).status).toBe('pending')
    await until(async () => (await agentOS.runs.get(runId)).status === 'completed')
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(runAfter))
  })

  it('refuses what the backlog has no room for, and executes all that it took', async () => {
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }), {
      runs: { ...quick, maxExecuting: 1, maxPending: 3 },
    })
    const attempts = []
    for (let index = 0; index < 10; index++) {
      attempts.push(await agentOS.runs.start({ agentId: 'my-agent', message: 'Hi' }).catch((error: unknown) => error))
    }
    const refused = attempts.filter((attempt) => attempt instanceof Error)
    expect(refused.length).toBeGreaterThan(0)
    for (const error of refused) expect(error).toMatchObject({ code: 'QUEUE_FULL', status: 429 })
    open()
    await until(async () => {
      const { data } = await agentOS.runs.list({ limit: 20 })
      return data.every(({ status }) => status === 'completed') && data.length === 10 - refused.length
    })
  })
})
