import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { Message, Run } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { z } from 'zod'
import { checkpointAt, checkpointsOf } from '../../src/runs/checkpoints.js'
import { gate, testAgentOS, until } from '../support/agent-os.js'

const lookup = tool({ name: 'lookup', input: z.object({ id: z.number() }), execute: ({ id }) => `order ${id}` })
const refund = tool({ name: 'refund', requiresConfirmation: true, execute: () => 'refunded' })

/** Looks two orders up, then answers. Messages: system, user, assistant, tool, tool, assistant. */
function lookingUp() {
  const toolCalls = [1, 2].map((id) => ({ name: 'lookup', arguments: { id }, id: `call_${id}` }))
  const model = scripted([{ content: 'Let me look.', toolCalls }, 'Both are on their way.'])
  const agent = new Agent({ id: 'my-agent', model, tools: [lookup], instructions: 'Be\n  brief.' })
  return testAgentOS(model, { agents: [agent] })
}

describe('checkpoints of a run', () => {
  it('are each message after which it was saved, and its end', async () => {
    const agentOS = lookingUp()
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Where are\n1 and 2?' })
    const { checkpoints, runId, sessionId } = await agentOS.runs.checkpoints(run.runId)
    expect({ runId, sessionId }).toEqual({ runId: run.runId, sessionId: run.sessionId })
    expect(checkpoints.map((one) => [one.checkpointId, one.messageIndex, one.continueFrom, one.reason])).toEqual([
      ['1', 2, 2, 'checkpoint'],
      ['2', 5, 5, 'checkpoint'],
      ['3', 6, 6, 'end'],
    ])
    expect(checkpoints[0]).toMatchObject({
      status: 'running',
      messageId: run.messages![1]!.id,
      messageRole: 'user',
      messagePreview: 'Where are 1 and 2?',
      isLatest: false,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(checkpoints[2]).toMatchObject({ status: 'completed', messageRole: 'assistant', isLatest: true })
  })

  it('end, of a run that waits, with what it waits for', async () => {
    const model = scripted([{ toolCalls: [{ name: 'refund', id: 'call_1' }] }])
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [refund] })] })
    const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Refund.' })
    const { checkpoints } = await agentOS.runs.checkpoints(run.runId)
    expect(checkpoints.map(({ messageIndex, reason, status }) => [messageIndex, reason, status])).toEqual([
      [1, 'checkpoint', 'running'],
      [2, 'end', 'paused'],
    ])
    expect((await agentOS.runs.checkpoint(run.runId, 2)).snapshot).toEqual(run)
  })

  it('end, of a run that goes on, with its last whole exchange', async () => {
    const slow = gate()
    const model = scripted([{ toolCalls: [{ name: 'work', id: 'call_1' }] }, 'Done.'])
    const work = tool({ name: 'work', execute: () => slow.opened.then(() => 'worked') })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [work] })] })
    const { runId } = await agentOS.runs.start({ agentId: 'my-agent', message: 'Work.' })
    await until(async () => ((await agentOS.runs.get(runId)).tools ?? []).length > 0)
    const { checkpoints } = await agentOS.runs.checkpoints(runId)
    expect(checkpoints).toMatchObject([{ messageIndex: 1, reason: 'snapshot', status: 'running', isLatest: true }])
    slow.open()
    await until(async () => (await agentOS.runs.get(runId)).status === 'completed')
  })

  it('are those of a run that is not there: 404', async () => {
    await expect(testAgentOS().runs.checkpoints('run_nobody')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(testAgentOS().runs.checkpoint('run_nobody', 0)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })
})

describe('a run at a checkpoint', () => {
  it('has the messages and tools up to there, moved down to a whole exchange', async () => {
    const agentOS = lookingUp()
    const { runId, messages } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Where are they?' })
    for (const [asked, kept] of [0, 1, 2, 2, 2, 5, 6].entries()) {
      const { checkpoint, snapshot } = await agentOS.runs.checkpoint(runId, asked)
      expect(checkpoint).toMatchObject({ messageIndex: kept, continueFrom: kept })
      expect(snapshot.messages ?? []).toEqual(messages!.slice(0, kept))
      expect(snapshot.tools ?? []).toHaveLength(kept >= 5 ? 2 : 0)
      expect(snapshot.status).toBe(kept === 6 ? 'completed' : 'running')
    }
    const { snapshot } = await agentOS.runs.checkpoint(runId, 5)
    expect(snapshot).toMatchObject({ runId, agentId: 'my-agent', content: 'Let me look.', model: 'scripted' })
    expect(snapshot.metrics).toBeUndefined()
  })

  it.each([-1, 7, 1.5])('is refused outside of the run: %d', async (index) => {
    const agentOS = lookingUp()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Where?' })
    await expect(agentOS.runs.checkpoint(runId, index)).rejects.toMatchObject({
      code: 'CHECKPOINT_OUT_OF_RANGE',
      status: 422,
    })
  })
})

describe('whatever the messages of a run are', () => {
  const exchange = fc
    .record({ calls: fc.integer({ min: 1, max: 3 }), answered: fc.nat({ max: 3 }), id: fc.uuid() })
    .map(({ calls, answered, id }) => {
      const ids = Array.from({ length: calls }, (_, at) => `${id}_${at}`)
      return [calling(ids), ...ids.slice(0, answered).map(answering)]
    })
  const part = fc.oneof(
    exchange,
    fc.constantFrom('user', 'assistant', 'system').map((role) => [message(role as Message['role'])]),
  )
  const runs = fc
    .tuple(fc.array(part, { maxLength: 8 }), fc.constantFrom('completed', 'error', 'cancelled', 'running', 'paused'))
    .map(([parts, status]) => runOf(parts.flat(), status as Run['status']))

  it('a checkpoint holds each call with all of its answers, or not at all', () => {
    fc.assert(
      fc.property(runs, fc.nat({ max: 40 }), (run, asked) => {
        const { messages = [] } = run
        const index = Math.min(asked, messages.length)
        const { checkpoint, snapshot } = checkpointAt(run, index)
        const kept = snapshot.messages ?? []
        expect(kept).toEqual(messages.slice(0, checkpoint.messageIndex))
        expect(checkpoint.messageIndex).toBeLessThanOrEqual(index)
        // The end of a run is a boundary as it is.
        const isEnd = checkpoint.messageIndex === messages.length && run.status !== 'running'
        expect(isEnd ? [] : openCalls(kept)).toEqual([])
        // Nothing more is given up than the exchange that the boundary lay in.
        const isMoved = checkpoint.messageIndex < index
        expect(isMoved && openCalls(messages.slice(0, index)).length === 0).toBe(false)
        expect(checkpointAt(run, checkpoint.messageIndex)).toEqual({ checkpoint, snapshot })
      }),
      { numRuns: 2000 },
    )
  })

  it('the list rises, ends with the latest, and holds nothing that is not whole', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const { checkpoints } = checkpointsOf(run)
        const indexes = checkpoints.map(({ messageIndex }) => messageIndex)
        expect(indexes).toEqual([...new Set(indexes)].toSorted((a, b) => a - b))
        expect(checkpoints.map(({ isLatest }) => isLatest)).toEqual(indexes.map((_, at) => at === indexes.length - 1))
        expect(checkpoints.map(({ checkpointId }) => checkpointId)).toEqual(indexes.map((_, at) => String(at + 1)))
        for (const one of checkpoints) expect(checkpointAt(run, one.messageIndex).checkpoint).toEqual(one)
      }),
      { numRuns: 1000 },
    )
  })
})

function message(role: Message['role'], more: Partial<Message> = {}): Message {
  return { id: 'msg', role, content: role, fromHistory: false, stopAfterToolCall: false, createdAt: 1, ...more }
}

function calling(ids: readonly string[]): Message {
  const toolCalls = ids.map((id) => ({ id, type: 'function' as const, function: { name: 'look', arguments: '{}' } }))
  return message('assistant', { toolCalls })
}

function answering(toolCallId: string): Message {
  return message('tool', { toolCallId })
}

function openCalls(messages: readonly Message[]): string[] {
  const answered = new Set(messages.map(({ toolCallId }) => toolCallId))
  return messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id }) => id)).filter((id) => !answered.has(id))
}

function runOf(messages: Message[], status: Run['status']): Run {
  const ids = { runId: 'run_1', sessionId: 'ses_1', agentId: 'my-agent' }
  return { ...ids, contentType: 'str', messages, status, createdAt: '2026-04-24T20:15:00Z' }
}
