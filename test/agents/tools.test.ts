import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import { toolResult } from '../../src/agents/tool-result.js'
import { tool } from '../../src/agents/tool.js'
import type { ToolContext } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import type { ScriptedToolCall } from '../../src/models/index.js'
import { follow, gate, only, quiet } from './support.js'

/** A model that makes these calls and then says what it was answered. */
function calling(...toolCalls: ScriptedToolCall[]) {
  return scripted([
    { toolCalls },
    ({ messages }) => JSON.stringify(messages.filter(({ role }) => role === 'tool').map(({ content }) => content)),
  ])
}

const nothing = z.object({})

describe('tools', () => {
  it.each([
    ['a string as it is', 'plain "text"', 'plain "text"'],
    ['anything else as JSON', { a: [1, null] }, '{"a":[1,null]}'],
    ['nothing as null', undefined, 'null'],
  ])('give the model %s', async (_what, result, seen) => {
    const agent = new Agent({
      id: 'a',
      model: calling({ name: 'get' }),
      tools: [tool({ name: 'get', input: nothing, execute: () => result })],
    })
    expect(JSON.parse((await agent.run('?')).content ?? '')).toEqual([seen])
  })

  it('give media to the client', async () => {
    const draw = tool({
      name: 'draw',
      execute: () => toolResult({ content: 'Drawn.', images: [{ url: 'https://img.example/1.png' }] }),
    })
    const { events, run } = await follow(
      new Agent({ id: 'a', model: calling({ name: 'draw' }), tools: [draw] }).stream('?'),
    )
    const image = { id: expect.stringMatching(/^img_/) as string, url: 'https://img.example/1.png' }
    expect(only(events, 'ToolCallCompleted')[0]).toMatchObject({ images: [image], tool: { result: 'Drawn.' } })
    expect(only(events, 'RunCompleted')[0]?.images).toEqual([image])
    expect(run.images).toEqual([image])
  })

  it('know the run that they are part of', async () => {
    let seen: ToolContext | undefined
    const look = tool({ name: 'look', execute: (_args, context) => void (seen = context) })
    const agent = new Agent({
      id: 'a',
      model: calling({ name: 'look', id: 'call-1' }),
      tools: [look],
      dependencies: { region: 'eu', db: 'main' },
      metadata: { team: 'blue' },
    })
    const run = await agent.run('Look', {
      userId: 'alice',
      dependencies: { db: 'replica' },
      metadata: { team: 'red', ticket: 7 },
    })
    expect(seen).toMatchObject({
      runId: run.runId,
      sessionId: run.sessionId,
      userId: 'alice',
      caller: { admin: true },
      toolCallId: 'call-1',
      idempotencyKey: `${run.runId}:call-1`,
      input: { inputContent: 'Look' },
      dependencies: { region: 'eu', db: 'replica' },
      metadata: { team: 'blue', ticket: 7 },
      sessionState: { current_user_id: 'alice', current_run_id: run.runId, current_session_id: run.sessionId },
    })
    expect(run.metadata).toEqual({ team: 'blue', ticket: 7 })
  })

  it('show events of their own, with the id of the call', async () => {
    const fields = { progress: 0.5, runId: 'forged', agentId: 'forged' }
    const work = tool({
      name: 'work',
      execute: (_args, { emit }) => {
        emit(fields)
        fields.progress = 1
        emit({ done: true })
      },
    })
    const agent = new Agent({ id: 'a', model: calling({ name: 'work', id: 'c1' }), tools: [work] })
    const { events, run } = await follow(agent.stream('?'))
    expect(only(events, 'CustomEvent')).toMatchObject([
      { progress: 0.5, toolCallId: 'c1', runId: run.runId, agentId: 'a' },
      { done: true, toolCallId: 'c1' },
    ])
    const names = events.map(({ event }) => event)
    expect(names.indexOf('CustomEvent')).toBeGreaterThan(names.indexOf('ToolCallStarted'))
    expect(names.lastIndexOf('CustomEvent')).toBeLessThan(names.indexOf('ToolCallCompleted'))
  })

  it('show progress while they are still at work', async () => {
    const { opened, open } = gate()
    const work = tool({
      name: 'work',
      execute: async (_args, { emit }) => {
        emit({ step: 1 })
        await opened
      },
    })
    const agent = new Agent({ id: 'a', model: calling({ name: 'work' }), tools: [work] })
    const order: string[] = []
    for await (const { event } of agent.stream('?')) {
      order.push(event)
      if (event === 'CustomEvent') open()
    }
    expect(order).toContain('ToolCallCompleted')
  })

  it('change the state of the session', async () => {
    const count = tool({
      name: 'count',
      execute: (_args, { sessionState }) => {
        sessionState.visits = Number(sessionState.visits) + 1
      },
    })
    const agent = new Agent({
      id: 'a',
      model: calling({ name: 'count' }, { name: 'count' }),
      tools: [count],
      sessionState: { visits: 0, settings: { theme: 'dark' } },
    })
    const run = await agent.run('?', { sessionState: { settings: { size: 2 } } })
    expect(run.sessionState).toEqual({ visits: 2, settings: { theme: 'dark', size: 2 } })
    expect(agent.sessionState).toEqual({ visits: 0, settings: { theme: 'dark' } })
  })

  it('end the run with their result when they say so', async () => {
    const answer = tool({ name: 'answer', stopAfterCall: true, execute: () => 'Forty-two.' })
    const model = scripted([{ content: 'Hm. ', toolCalls: [{ name: 'answer' }] }], { record: true })
    const { names, run } = await follow(new Agent({ id: 'a', model, tools: [answer] }).stream('?'))
    expect(run.content).toBe('Hm. Forty-two.')
    expect(names.slice(-4)).toEqual(['ToolCallCompleted', 'RunContent', 'RunContentCompleted', 'RunCompleted'])
    expect(model.requests).toHaveLength(1)
  })
})

describe('several calls of one step', () => {
  it('are all started before one completes, and complete as they come', async () => {
    const slow = gate()
    const tools = [tool({ name: 'slow', execute: () => slow.opened }), tool({ name: 'quick', execute: () => 'quick' })]
    const agent = new Agent({
      id: 'a',
      model: calling({ name: 'slow', id: 's' }, { name: 'quick', id: 'q' }),
      tools,
    })
    const order: string[] = []
    for await (const event of agent.stream('?')) {
      if (event.event === 'ToolCallStarted' || event.event === 'ToolCallCompleted') {
        order.push(`${event.event} ${event.tool.toolCallId}`)
      }
      if (event.event === 'ToolCallCompleted' && event.tool.toolCallId === 'q') slow.open()
    }
    expect(order).toEqual(['ToolCallStarted s', 'ToolCallStarted q', 'ToolCallCompleted q', 'ToolCallCompleted s'])
  })

  it('run at once, but not without bound', async () => {
    let running = 0
    let most = 0
    const work = tool({
      name: 'work',
      execute: async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
      },
    })
    const calls = Array.from({ length: 40 }, () => ({ name: 'work' }))
    const run = await new Agent({ id: 'a', model: calling(...calls), tools: [work] }).run('?')
    expect(run.tools).toHaveLength(40)
    expect(most).toBe(16)
  })

  it('get ids of their own when the model repeats one', async () => {
    const keys: string[] = []
    const work = tool({ name: 'work', execute: (_args, { idempotencyKey }) => void keys.push(idempotencyKey) })
    const toolCalls = [
      { name: 'work', id: 'same' },
      { name: 'work', id: 'same' },
    ]
    const model = scripted([{ toolCalls }, { toolCalls }, 'Done.'], { record: true })
    const { events, run } = await follow(new Agent({ id: 'a', model, tools: [work] }).stream('?'))
    const ids = only(events, 'ToolCallStarted').map(({ tool: { toolCallId } }) => toolCallId)
    expect(ids[0]).toBe('same')
    expect(new Set(ids).size).toBe(4)
    expect(new Set(keys).size).toBe(4)
    const asked = run.messages?.flatMap(({ toolCalls: calls }) => calls?.map(({ id }) => id) ?? [])
    expect(asked).toEqual(ids)
    const answered = model.requests.at(-1)?.messages.flatMap((one) => (one.role === 'tool' ? [one.toolCallId] : []))
    expect(new Set(answered)).toEqual(new Set(ids))
  })
})

describe('a call that goes wrong', () => {
  const add = tool({ name: 'add', input: z.object({ a: z.number() }), execute: ({ a }) => a })
  const fail = tool({
    name: 'fail',
    execute: () => {
      throw new Error('The shop is closed.')
    },
  })

  it.each([
    ['an unknown tool', { name: 'subtract' }, 'There is no tool "subtract". There are: add, fail.'],
    ['arguments that are no JSON', { name: 'add', arguments: '{"a": 1' }, 'The arguments are not JSON'],
    ['arguments that are no object', { name: 'add', arguments: '[1]' }, 'The arguments must be a JSON object.'],
    ['wrong arguments', { name: 'add', arguments: { a: 'one' } }, 'a: Invalid input: expected number'],
    ['an error', { name: 'fail' }, 'The shop is closed.'],
  ])('tells the model: %s', async (_what, call, message) => {
    const model = scripted([{ toolCalls: [{ id: 'c', ...call }] }, 'I see.'], { record: true })
    const { events, names, run } = await follow(new Agent({ id: 'a', model, tools: [add, fail] }).stream('?', quiet))
    expect(run).toMatchObject({ status: 'completed', content: 'I see.' })
    expect(names.slice(2, 6)).toEqual([
      'ModelRequestCompleted',
      'ToolCallStarted',
      'ToolCallCompleted',
      'ToolCallError',
    ])
    const [failed] = only(events, 'ToolCallError')
    expect(failed?.error).toContain(message)
    expect(failed?.tool).toMatchObject({ toolCallError: true, toolCallId: 'c' })
    expect(run.tools).toMatchObject([{ toolCallError: true, result: failed?.error }])
    expect(model.requests[1]?.messages.at(-1)).toEqual({
      role: 'tool',
      toolCallId: 'c',
      toolName: call.name,
      content: failed?.error,
      isError: true,
    })
    expect(JSON.stringify(run)).not.toContain('.test.ts')
  })

  it('is one that took too long, though the tool ignores its signal', async () => {
    let signal: AbortSignal | undefined
    const hang = tool({
      name: 'hang',
      timeoutMs: 10,
      execute: async (_args, context) => {
        ;({ signal } = context)
        await new Promise(() => undefined)
      },
    })
    const agent = new Agent({ id: 'a', model: calling({ name: 'hang' }), tools: [hang] })
    const run = await agent.run('?', quiet)
    expect(run.tools).toMatchObject([{ toolCallError: true, result: 'The tool "hang" took longer than 10 ms.' }])
    expect(signal?.aborted).toBe(true)
  })

  it('has the limit of the agent where the tool has none', async () => {
    const hang = tool({ name: 'hang', execute: () => new Promise(() => undefined) })
    const agent = new Agent({ id: 'a', model: calling({ name: 'hang' }), tools: [hang], toolTimeoutMs: 5 })
    expect((await agent.run('?', quiet)).tools?.[0]?.result).toContain('longer than 5 ms')
  })

  it('does not end the run when the tool would have', async () => {
    const stop = tool({
      name: 'stop',
      stopAfterCall: true,
      execute: () => {
        throw new Error('No.')
      },
    })
    const run = await new Agent({ id: 'a', model: calling({ name: 'stop' }), tools: [stop] }).run('?', quiet)
    expect(run.content).toBe('["No."]')
  })
})

describe('the abort of a run', () => {
  it('does not wait for a tool that ignores its signal', async () => {
    const abort = new AbortController()
    const late = vi.fn<() => void>()
    let signal: AbortSignal | undefined
    const hang = tool({
      name: 'hang',
      execute: async (_args, context) => {
        ;({ signal } = context)
        abort.abort()
        await new Promise(() => undefined)
        late()
      },
    })
    const agent = new Agent({ id: 'a', model: calling({ name: 'hang', id: 'c' }), tools: [hang] })
    const { events, names, run } = await follow(agent.stream('?', { signal: abort.signal }))
    expect(names.slice(-3)).toEqual(['ToolCallStarted', 'ToolCallError', 'RunCancelled'])
    expect(only(events, 'ToolCallError')[0]).toMatchObject({ tool: { toolCallId: 'c', toolCallError: true } })
    expect(run).toMatchObject({ status: 'cancelled', tools: [{ toolCallError: true }] })
    expect(run.messages?.at(-1)).toMatchObject({ role: 'tool', toolCallId: 'c' })
    expect(signal?.aborted).toBe(true)
    expect(late).not.toHaveBeenCalled()
  })

  it('ends a run that has run out of time', async () => {
    const model = scripted({ content: 'Well, …', stall: { afterDeltas: 1 } })
    const { run } = await follow(new Agent({ id: 'a', model, timeoutMs: 20 }).stream('?'))
    expect(run).toMatchObject({
      status: 'error',
      error: { errorCode: 'RUN_TIMEOUT', retryable: true },
      content: 'Well, …',
    })
  })
})
