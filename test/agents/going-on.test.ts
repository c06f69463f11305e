import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import { isDurable } from '../../src/agents/log/entry.js'
import type { LogEntry } from '../../src/agents/log/entry.js'
import { tool } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import { batchesOf, contextOf } from './support.js'

const execute = vi.fn<() => string>(() => 'found')
const agentWith = (idempotent: boolean) =>
  new Agent({
    id: 'a',
    instructions: 'Look.',
    model: scripted([
      {
        content: 'First. ',
        toolCalls: [
          { name: 'look', id: 'x' },
          { name: 'look', id: 'y' },
        ],
      },
      { content: 'Second. ', toolCalls: [{ name: 'look', id: 'z' }] },
      'Third.',
    ]),
    tools: [tool({ name: 'look', idempotent, execute })],
    hooks: { pre: [() => undefined], post: [() => undefined] },
  })

/** The log as a crash may leave it: all that was written up to a durable point. */
function cuts(batches: readonly LogEntry[][]): LogEntry[][] {
  return batches.flatMap((batch, at) => (at === 0 || batch.some(isDurable) ? [batches.slice(0, at + 1).flat()] : []))
}

const textOf = (entries: readonly LogEntry[]) =>
  entries.map(({ event }) => (event.event === 'RunContent' ? (event.content as string) : '')).join('')

describe('a run that goes on from its log', () => {
  it('comes to the same end from each of its durable points', async () => {
    const agent = agentWith(true)
    const whole = await batchesOf(agent, contextOf([]))
    expect(textOf(whole.flat())).toBe('First. Second. Third.')
    const starts = cuts(whole).slice(0, -1)
    expect(starts).toHaveLength(6)
    for (const start of starts) {
      const context = contextOf(start)
      const rest = (await batchesOf(agent, context)).flat()
      const log = [...start, ...rest]
      expect(textOf(log)).toBe('First. Second. Third.')
      expect(rest.at(-1)?.event).toMatchObject({ event: 'RunCompleted', content: 'First. Second. Third.' })
      expect(log.filter(({ event }) => event.event === 'RunStarted')).toHaveLength(1)
      expect(context.fold.messages.map(({ role }) => role)).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
        'tool',
        'assistant',
        'tool',
        'assistant',
      ])
      expect(context.fold.tools.every(({ result }) => result === 'found')).toBe(true)
    }
  })

  it('asks before it repeats a call whose outcome is unknown', async () => {
    const agent = agentWith(false)
    const whole = (await batchesOf(agent, contextOf([]))).flat()
    const started = whole.findIndex(({ event }) => event.event === 'ToolCallStarted')
    execute.mockClear()
    const context = contextOf(whole.slice(0, started + 2))
    const rest = (await batchesOf(agent, context)).flat()
    expect(rest.map(({ event }) => event.event)).toEqual(['RunContentCompleted', 'RunPaused'])
    expect(rest.at(-1)?.event).toMatchObject({
      requirements: [
        { needsConfirmation: true, toolExecution: { toolCallId: 'x', interrupted: true, requiresConfirmation: true } },
        { toolExecution: { toolCallId: 'y', interrupted: true } },
      ],
    })
    expect(execute).not.toHaveBeenCalled()
  })

  it('does not forget how often an answer was corrected', async () => {
    let asked = 0
    const model = scripted(() => `no JSON ${++asked}`)
    const agent = new Agent({ id: 'a', model, output: z.object({ a: z.number() }) })
    const entries: LogEntry[] = []
    const context = contextOf([])
    const failing = async (log: LogEntry[]) => {
      for await (const yielded of agent.execute(contextOf(log))) entries.push(...[yielded].flat())
    }
    await expect(batchesOf(agent, context)).rejects.toThrow('form that was asked for')
    expect(asked).toBe(3)
    const done = context.fold.messages.filter(({ name }) => name === 'output_correction')
    expect(done).toHaveLength(2)
    const log: LogEntry[] = [
      { event: { event: 'RunStarted' } },
      { event: { event: 'ModelRequestCompleted' }, facts: { messages: [...context.fold.messages] } },
    ]
    await expect(failing(log)).rejects.toThrow('form that was asked for')
    expect(asked).toBe(3)
    expect(entries).toEqual([])
  })

  it('is written in few pieces: what belongs together is one', async () => {
    const agent = new Agent({
      id: 'a',
      model: scripted([{ toolCalls: [{ name: 'look' }] }, 'Done.']),
      tools: [tool({ name: 'look', execute })],
    })
    const batches = await batchesOf(agent, contextOf([], { isStreaming: false }))
    expect(batches.map((batch) => batch.map(({ event }) => event.event))).toEqual([
      ['RunStarted'],
      ['ModelRequestStarted'],
      ['ModelRequestCompleted', 'ToolCallStarted'],
      ['ToolCallCompleted'],
      ['ModelRequestStarted'],
      ['RunContent', 'ModelRequestCompleted', 'RunContentCompleted', 'RunCompleted'],
    ])
  })
})

describe('a call', () => {
  it('that the record says was rejected is answered, and not made', async () => {
    const agent = agentWith(true)
    const whole = (await batchesOf(agent, contextOf([]))).flat()
    const started = whole.findIndex(({ event }) => event.event === 'ToolCallStarted')
    const log = whole.slice(0, started + 2).map((entry): LogEntry => {
      const { event } = entry
      if (event.event !== 'ToolCallStarted') return entry
      return { event: { ...event, tool: { ...event.tool, confirmed: false, confirmationNote: 'Too dear.' } } }
    })
    execute.mockClear()
    const context = contextOf(log)
    await batchesOf(agent, context)
    expect(context.fold.tool('x')?.result).toBe('The call was rejected, and not made. Too dear.')
    expect(context.fold.tool('y')?.result).toBe('The call was rejected, and not made. Too dear.')
    // The next step’s.
    expect(execute).toHaveBeenCalledTimes(1)
  })

  it('is not made, and has no result, when another process may have taken the run over', async () => {
    const lost = Object.assign(new Error('Elsewhere.'), { name: 'LeaseLostError' })
    const checkLease = () => {
      throw lost
    }
    execute.mockClear()
    const context = contextOf([], { checkLease })
    await expect(batchesOf(agentWith(true), context)).rejects.toBe(lost)
    expect(execute).not.toHaveBeenCalled()
    expect(context.fold.tools.map(({ result }) => result)).toEqual([undefined, undefined])
  })
})
