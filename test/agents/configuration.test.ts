import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import type { AgentOptions } from '../../src/agents/agent-options.js'
import { AgentDescription } from '../../src/agents/description.js'
import { tool } from '../../src/agents/tool.js'
import type { ToolTraits } from '../../src/agents/tool.js'
import { ConfigurationError } from '../../src/core/errors.js'
import { scripted } from '../../src/models/index.js'

const model = scripted('Hi', { id: 'gpt-x', provider: 'OpenAI' })
const look = tool({ name: 'look', description: 'Looks.', input: z.object({ at: z.string() }), execute: () => 'ok' })

describe('an agent that can’t work', () => {
  it.each<[string, Partial<AgentOptions>, string]>([
    ['no model', { model: undefined }, 'has no model. Pass one'],
    ['an empty list of models', { model: [] as never }, 'has no model'],
    ['no id', { id: '' }, 'use 1 to 255 characters'],
    ['an id that breaks log lines', { id: 'a\nb' }, 'control character'],
    ['an id that is too long', { id: 'x'.repeat(256) }, 'use 1 to 255 characters'],
    ['two tools of one name', { tools: [look, look] }, 'two tools called "look". Rename one'],
    ['a step limit of 0', { stepLimit: 0 }, 'stepLimit: 0'],
    ['a limit that is no number', { timeoutMs: Number.NaN }, 'timeoutMs: NaN'],
    ['half a run of history', { history: { runs: 0.5 } }, 'whole number'],
    ['an output that JSON does not have', { output: z.object({ at: z.date() }) as never }, 'The output of agent "a"'],
  ])('is refused: %s', (_what, options, message) => {
    const make = (): unknown => new Agent({ id: 'a', model, ...options })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })
})

describe('a tool that can’t work', () => {
  it.each<[string, { name: string; input?: z.ZodType } & ToolTraits, string]>([
    ['a bad name', { name: 'look it up' }, "can't be the name of a tool"],
    ['an input that is no object', { name: 'a', input: z.string() }, 'must be an object schema'],
    [
      'an input that JSON does not have',
      { name: 'a', input: z.object({ f: z.map(z.string(), z.string()) }) },
      'JSON Schema',
    ],
    ['an unknown field for the user', { name: 'a', requiresUserInput: ['who'] }, 'not among its arguments'],
    ['an audit without a pause', { name: 'a', approval: 'audit' as const }, 'never pauses'],
  ])('is refused: %s', (_what, definition, message) => {
    const make = (): unknown => tool({ execute: () => 'x', ...definition })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })
})

describe('the schema of a tool', () => {
  const Order = z.object({ number: z.number(), at: z.object({ city: z.string() }) }).meta({ id: 'OrderOfATest' })

  it('is the object itself, also when the schema has an id of its own', () => {
    const { parameters } = tool({ name: 'find', input: Order, execute: () => 'x' })
    expect(parameters).toMatchObject({ type: 'object', required: ['number', 'at'] })
    expect(parameters).not.toHaveProperty('$ref')
    expect(parameters).not.toHaveProperty('$defs')
  })

  it('is closed when the provider is to hold the model to it', () => {
    const { parameters } = tool({ name: 'find', input: Order, strict: true, execute: () => 'x' })
    expect(parameters).toMatchObject({
      additionalProperties: false,
      properties: { at: { additionalProperties: false } },
    })
  })
})

describe('the description of an agent', () => {
  it('holds nothing but the agent when all is default', () => {
    expect(new Agent({ id: 'a', model }).describe()).toEqual({
      id: 'a',
      name: 'a',
      model: { name: 'gpt-x', model: 'gpt-x', provider: 'OpenAI', id: 'gpt-x' },
      isFactory: false,
      isComponent: false,
    })
  })

  it('holds what differs from the default', () => {
    const description = new Agent({
      id: 'a',
      name: 'Ann',
      description: 'Looks.',
      role: 'scout',
      introduction: 'Hello!',
      model,
      instructions: 'Look.',
      tools: [
        look,
        tool({ name: 'pay', input: z.object({ sum: z.number() }), approval: 'required', execute: () => 'x' }),
        tool({ name: 'sign', external: true }),
      ],
      toolChoice: 'required',
      input: z.object({ q: z.string() }),
      output: z.object({ a: z.string() }).meta({ title: 'Found' }),
      history: { runs: 7 },
      metadata: { team: 'blue' },
      addSessionStateToContext: true,
    }).describe()
    expect(description).toMatchObject({
      name: 'Ann',
      description: 'Looks.',
      role: 'scout',
      introduction: 'Hello!',
      tools: {
        tools: [
          { name: 'look', description: 'Looks.', parameters: { type: 'object', required: ['at'] } },
          { name: 'pay', requiresConfirmation: true, approvalType: 'required' },
          { name: 'sign', externalExecution: true },
        ],
        toolChoice: 'required',
      },
      sessions: { num_history_runs: 7 },
      systemMessage: { instructions: 'Look.', add_session_state_to_context: true },
      responseSettings: { output_schema_name: 'Found' },
      metadata: { team: 'blue' },
      inputSchema: { type: 'object', properties: { q: { type: 'string' } } },
    })
    expect(AgentDescription.safeParse(description).success).toBe(true)
  })

  it('says when there is no history', () => {
    expect(new Agent({ id: 'a', model, history: false }).describe().sessions).toEqual({ add_history_to_context: false })
  })
})

describe('the history of an agent', () => {
  it.each([
    [undefined, 3, 3, 0],
    [{ runs: 5 }, 5, 5, 0],
    [false, 0, 3, 0],
  ] as const)(
    '%j: by default %i runs, %i when the request wants them, %i when not',
    (history, usual, wanted, unwanted) => {
      const agent = new Agent({ id: 'a', model, history })
      expect(agent.historyRuns({})).toBe(usual)
      expect(agent.historyRuns({ addHistoryToContext: true })).toBe(wanted)
      expect(agent.historyRuns({ addHistoryToContext: false })).toBe(unwanted)
    },
  )
})
