import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import { RunRequirement } from '../../src/agents/log/tool-execution.js'
import { isEnough, pauseOf } from '../../src/agents/tool-pause.js'
import { tool } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import { follow, only, quiet } from './support.js'

const execute = vi.fn<() => string>(() => 'ran')
const asking = (...names: string[]) =>
  scripted([
    { content: 'One moment.', toolCalls: names.map((name) => ({ name, id: name, arguments: { to: 'bob', sum: 5 } })) },
    'Done.',
  ])
const input = z.object({ to: z.string(), sum: z.number().int().describe('In euros') })
const pay = tool({ name: 'pay', input, requiresConfirmation: true, execute })

describe('a tool that somebody has to act for', () => {
  it('pauses the run instead of running', async () => {
    const { events, names, run } = await follow(
      new Agent({ id: 'a', model: asking('pay'), tools: [pay] }).stream('Pay'),
    )
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunPaused',
    ])
    expect(execute).not.toHaveBeenCalled()
    const [paused] = only(events, 'RunPaused')
    expect(paused).toMatchObject({
      content: 'The run waits for: a confirmation of pay.',
      tools: [{ toolCallId: 'pay', requiresConfirmation: true, toolArgs: { to: 'bob', sum: 5 } }],
      requirements: [{ needsConfirmation: true, needsUserInput: false, toolExecution: { toolCallId: 'pay' } }],
    })
    expect(run).toMatchObject({ status: 'paused', content: 'One moment.', tools: [{ requiresConfirmation: true }] })
    expect(run.requirements).toHaveLength(1)
    expect(RunRequirement.safeParse(run.requirements?.[0]).success).toBe(true)
  })

  it('waits until the other calls of the step are done', async () => {
    const look = tool({ name: 'look', execute: () => 'seen' })
    const agent = new Agent({ id: 'a', model: asking('pay', 'look'), tools: [pay, look] })
    const { names, run } = await follow(agent.stream('Pay'))
    expect(names.slice(3)).toEqual([
      'ModelRequestCompleted',
      'ToolCallStarted',
      'ToolCallCompleted',
      'RunContentCompleted',
      'RunPaused',
    ])
    expect(run.tools).toMatchObject([
      { toolName: 'look', result: 'seen' },
      { toolName: 'pay', requiresConfirmation: true },
    ])
  })

  it('may ask for input that the model is not asked for', async () => {
    const model = scripted([{ toolCalls: [{ name: 'pay', arguments: { to: 'bob', sum: 1_000_000 } }] }], {
      record: true,
    })
    const askSum = tool({ name: 'pay', input, requiresUserInput: ['sum'], execute })
    const run = await new Agent({ id: 'a', model, tools: [askSum] }).run('Pay')
    expect(model.requests[0]?.tools?.[0]?.parameters).toMatchObject({ properties: { to: {} }, required: ['to'] })
    expect(model.requests[0]?.tools?.[0]?.parameters.properties).not.toHaveProperty('sum')
    const fields = [{ name: 'sum', fieldType: 'int', description: 'In euros', value: null }]
    expect(run.requirements).toMatchObject([
      {
        userInputSchema: fields,
        needsUserInput: true,
        needsConfirmation: false,
        toolExecution: { toolArgs: { to: 'bob' } },
      },
    ])
    expect(run.tools?.[0]).toMatchObject({ requiresUserInput: true, userInputSchema: fields })
  })

  it('may run outside', async () => {
    const sign = tool({ name: 'sign', input, external: true })
    const run = await new Agent({ id: 'a', model: asking('sign'), tools: [sign] }).run('Sign')
    expect(run).toMatchObject({
      status: 'paused',
      tools: [{ externalExecutionRequired: true }],
      requirements: [{ needsConfirmation: false, needsUserInput: false }],
    })
  })

  it('may need an approval', async () => {
    const approved = tool({ name: 'pay', input, approval: 'required', execute })
    const run = await new Agent({ id: 'a', model: asking('pay'), tools: [approved] }).run('Pay')
    expect(run.tools).toMatchObject([{ requiresConfirmation: true, approvalType: 'required' }])
  })

  it('is not bothered with arguments that are wrong', async () => {
    const model = scripted([{ toolCalls: [{ name: 'pay', arguments: { to: 5 } }] }, 'Sorry.'])
    const run = await new Agent({ id: 'a', model, tools: [pay] }).run('Pay', quiet)
    expect(run).toMatchObject({ status: 'completed', content: 'Sorry.', tools: [{ toolCallError: true }] })
    expect(execute).not.toHaveBeenCalled()
  })
})

describe('the record of an audit', () => {
  const gated = tool({ name: 'pay', input, approval: 'required', idempotent: true, execute })
  const call = { toolCallId: 'x', toolName: 'pay', stopAfterToolCall: false, createdAt: 0, approvalId: 'apr_1' }

  it('is no approval', () => {
    const decision = { toolCallId: 'x', kind: 'confirm' as const, approvalId: 'apr_1' }
    expect(isEnough(decision, gated)).toBe(false)
    expect(isEnough({ ...decision, approval: 'required' }, gated)).toBe(true)
  })

  it('lets no call be repeated that has come to need an approval', () => {
    const recorded = { ...call, approvalType: 'audit' as const, requiresConfirmation: false, confirmed: true }
    expect(pauseOf(gated, recorded, recorded)).toMatchObject({ approvalType: 'required', requiresConfirmation: true })
    const approved = { ...recorded, approvalType: 'required' as const }
    expect(pauseOf(gated, approved, approved)).toBeUndefined()
  })
})
