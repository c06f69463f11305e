import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { z } from 'zod'
import { collect, names, testAgentOS, until } from '../support/agent-os.js'

describe('runs.cancel', () => {
  it('ends a run whose model hangs, and keeps the text that was shown', async () => {
    const agentOS = testAgentOS(scripted({ content: 'Half of an answer, and more.', stall: { afterDeltas: 1 } }))
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    const events = collect(stream)
    await stream.accepted
    await until(async () => (await agentOS.runs.get(stream.runId)).content !== undefined)
    expect(await agentOS.runs.cancel(stream.runId)).toMatchObject({ status: 'cancelled' })
    expect(names(await events).at(-1)).toBe('RunCancelled')
    const run = await agentOS.runs.get(stream.runId)
    expect(run).toMatchObject({ status: 'cancelled', content: 'Half of an answe' })
    expect(run.messages?.at(-1)).toMatchObject({ role: 'assistant', content: 'Half of an answe' })
  })

  it('ends a run whose tool ignores its signal, and answers the open call', async () => {
    const model = scripted([{ toolCalls: [{ name: 'hang' }] }, 'Never said.'])
    const hang = tool({
      name: 'hang',
      description: 'Hangs.',
      input: z.object({}),
      execute: () => new Promise<string>(() => undefined),
    })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [hang] })] })
    const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
    const events = collect(stream)
    await stream.accepted
    await until(async () => (await agentOS.runs.get(stream.runId)).tools !== undefined)
    expect(await agentOS.runs.cancel(stream.runId)).toMatchObject({ status: 'cancelled' })
    expect(names(await events).slice(-2)).toEqual(['ToolCallError', 'RunCancelled'])
    expect((await agentOS.runs.get(stream.runId)).messages?.at(-1)).toMatchObject({ role: 'tool', toolCallError: true })
  })

  it('leaves a run that has ended as it is', async () => {
    const agentOS = testAgentOS()
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    expect(await agentOS.runs.cancel(run.runId)).toMatchObject({ status: 'completed' })
    expect(await agentOS.runs.get(run.runId)).toEqual(run)
  })

  it('knows no run that is not there', async () => {
    await expect(testAgentOS().runs.cancel('run_none')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('names the end that the log has, and nothing follows it, when it races with completion', async () => {
    const agentOS = testAgentOS(scripted('A short answer.'))
    const trials = 1000
    const ends = new Map<string, number>()
    for (let trial = 0; trial < trials; trial++) {
      const stream = agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' })
      const events = collect(stream)
      await stream.accepted
      for (let turn = trial % 14; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      const { status } = await agentOS.runs.cancel(stream.runId)
      const last = (await events).at(-1)!
      expect(last.event).toBe(status === 'cancelled' ? 'RunCancelled' : 'RunCompleted')
      const replayed = await collect(await agentOS.runs.resume(stream.runId))
      expect(replayed).toEqual(await events)
      ends.set(status, (ends.get(status) ?? 0) + 1)
    }
    console.log(`cancel against completion: ${trials} trials, ${JSON.stringify(Object.fromEntries(ends))}`)
    expect([...ends.keys()].toSorted()).toEqual(['cancelled', 'completed'])
  })
})
