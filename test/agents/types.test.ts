import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import type { AgentRunOf } from '../../src/agents/memory-run.js'
import { tool } from '../../src/agents/tool.js'
import type { Tool, ToolContext } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'

const City = z.object({ name: z.string(), population: z.number() })
const rome = { name: 'Rome', population: 1 }
const model = scripted({ content: rome })

describe('types', () => {
  it('give the content of a run the type of the output', async () => {
    const run = await new Agent({ id: 'a', model, output: City }).run('?')
    expectTypeOf(run).toEqualTypeOf<AgentRunOf<{ name: string; population: number }>>()
    expectTypeOf(run.content).toEqualTypeOf<{ name: string; population: number } | undefined>()
    if (run.status !== 'completed') throw new Error(run.status)
    expectTypeOf(run.content).toEqualTypeOf<{ name: string; population: number }>()
    // @ts-expect-error the output has no such field
    expect(run.content.mayor).toBeUndefined()
    expect(run.content).toEqual(rome)
  })

  it('give it the type string without one', async () => {
    const run = await new Agent({ id: 'a', model: scripted('Hi') }).run('?')
    if (run.status === 'completed') expectTypeOf(run.content).toEqualTypeOf<string>()
    expectTypeOf(new Agent({ id: 'a', model }).stream('?').result).resolves.toHaveProperty('content')
    expect(run.content).toBe('Hi')
  })

  it('ask for the input that the agent asks for', async () => {
    const agent = new Agent({ id: 'a', model, input: z.object({ order: z.number() }) })
    await agent.run({ order: 7 })
    // @ts-expect-error a text is not the input
    await expect(agent.run('order 7')).rejects.toThrow('form')
    // @ts-expect-error the number is missing
    await expect(agent.run({})).rejects.toThrow('form')
  })

  it('give a tool the type of its arguments', async () => {
    const find = tool({
      name: 'find',
      input: z.object({ id: z.coerce.number(), deep: z.boolean().default(false) }),
      execute: (args, context) => {
        expectTypeOf(args).toEqualTypeOf<{ id: number; deep: boolean }>()
        expectTypeOf(context.toolCallId).toEqualTypeOf<string>()
        // @ts-expect-error there is no such argument
        return [args.id, args.deep, args.nothing]
      },
    })
    expectTypeOf(find).toExtend<Tool>()
    // @ts-expect-error the argument has another type
    expect(await find.execute({ id: '7', deep: true }, { toolCallId: 'c' } as ToolContext)).toEqual([
      '7',
      true,
      undefined,
    ])
  })

  it('refuse an external tool that would run here', () => {
    // @ts-expect-error an external tool has nothing to execute
    expect(tool({ name: 'sign', external: true, execute: () => 'x' }).external).toBe(true)
    // @ts-expect-error any other has
    expect(() => tool({ name: 'sign' })).toThrow('nothing to execute')
  })

  it('refuse an agent without a model', () => {
    // @ts-expect-error there is no model
    expect(() => new Agent({ id: 'a' })).toThrow('no model')
    // @ts-expect-error an empty list is none
    expect(() => new Agent({ id: 'a', model: [] })).toThrow('no model')
  })
})
