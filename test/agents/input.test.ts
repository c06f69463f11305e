import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import { scripted } from '../../src/models/index.js'

const listening = () => scripted('Yes.', { record: true })
const Order = z.object({ order: z.number().int(), note: z.string().default('') })

describe('the input of an agent', () => {
  it('is JSON text for the model when it is more than a text', async () => {
    const model = listening()
    const run = await new Agent({ id: 'a', model }).run({ order: 7 })
    expect(run.input).toEqual({ inputContent: { order: 7 } })
    expect(model.requests[0]?.messages).toEqual([{ role: 'user', content: '{"order":7}' }])
  })

  it('has the form that the agent asks for', async () => {
    const model = listening()
    const agent = new Agent({ id: 'a', model, input: Order })
    expect((await agent.run({ order: 7 })).input).toEqual({ inputContent: { order: 7, note: '' } })
    await expect(agent.run({ order: 7.5 })).rejects.toMatchObject({
      code: 'INPUT_SCHEMA_MISMATCH',
      status: 422,
      issues: [{ path: 'message.order' }],
    })
    expect(model.requests).toHaveLength(1)
  })

  it('may come as JSON text, as from a form', () => {
    const agent = new Agent({ id: 'a', model: listening(), input: Order })
    expect(agent.checkInput({ inputContent: '{"order":7,"note":"x"}' }, {}).inputContent).toEqual({
      order: 7,
      note: 'x',
    })
    expect(() => agent.checkInput({ inputContent: 'order 7' }, {})).toThrow('form that the agent asks for')
  })

  it('may have media, which get ids', async () => {
    const model = listening()
    const run = await new Agent({ id: 'a', model }).run('What is this?', { images: [{ content: 'QUJD' }] })
    expect(run.input?.images).toEqual([{ id: expect.stringMatching(/^img_/) as string, content: 'QUJD' }])
    expect(model.requests[0]?.messages[0]?.content).toEqual([
      { type: 'text', text: 'What is this?' },
      { type: 'image', data: 'QUJD' },
    ])
  })

  it.each([
    [{ images: [{ filepath: '/etc/passwd' }] }, 'MEDIA_PATH_FORBIDDEN'],
    [{ files: [{ id: 'file-1' }] }, 'VALIDATION_ERROR'],
  ])('has no media that no model could be given: %j', async (media, code) => {
    await expect(new Agent({ id: 'a', model: listening() }).run('?', media)).rejects.toMatchObject({ code })
  })
})

describe('instructions', () => {
  const systemOf = async (more: object, options = {}) => {
    const model = listening()
    await new Agent({ id: 'a', model, ...more }).run('Hi', options)
    const first = model.requests[0]?.messages[0]
    return first?.role === 'system' ? first.content : undefined
  }

  it('are the system message, and none is sent without', async () => {
    expect(await systemOf({ instructions: 'Be {kind}.' })).toBe('Be {kind}.')
    expect(await systemOf({})).toBeUndefined()
    expect(await systemOf({ instructions: '' })).toBeUndefined()
  })

  it('may be made for the run', async () => {
    const instructions = async ({ userId, input }: { userId?: string; input: { inputContent: unknown } }) =>
      `For ${userId}, who says ${String(input.inputContent)}.`
    expect(await systemOf({ instructions }, { userId: 'alice' })).toBe('For alice, who says Hi.')
  })

  it('may be followed by dependencies and state', async () => {
    const more = {
      instructions: 'Help.',
      dependencies: { plan: 'pro', limits: { seats: 3 }, db: new Map([['host', 'secret']]), now: () => 0, big: 1n },
      sessionState: { visits: 2 },
    }
    expect(await systemOf(more)).toBe('Help.')
    const both = { addDependenciesToContext: true, addSessionStateToContext: true }
    for (const told of [await systemOf({ ...more, ...both }), await systemOf(more, both)]) {
      expect(told).toMatch(/^Help\.\n\n<dependencies>\n{"plan": "pro", "limits": {"seats":3}}\n<\/dependencies>/)
      expect(told).toContain('<session_state>\n{"visits": 2, ')
    }
    expect(
      await systemOf({ ...more, ...both }, { addDependenciesToContext: false, addSessionStateToContext: false }),
    ).toBe('Help.')
  })

  it('know dependencies that are made for each run', async () => {
    const dependencies = async ({ runId }: { runId: string }) => ({ trace: `t-${runId}` })
    const instructions = (context: { dependencies: Readonly<Record<string, unknown>> }) =>
      String(context.dependencies.trace)
    expect(await systemOf({ dependencies, instructions }, { runId: 'run-1' })).toBe('t-run-1')
  })
})
