import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent } from '../../src/agents/agent.js'
import { tool } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import { follow, namesOf, only, quiet } from './support.js'

const City = z.object({ name: z.string(), population: z.number().int() }).meta({ title: 'City' })
const rome = { name: 'Rome', population: 2_748_109 }
const citySchema = {
  title: 'City',
  type: 'object',
  properties: { name: { type: 'string' }, population: { type: 'integer' } },
  required: ['name', 'population'],
}

/** Answers these in turn, however often the user speaks. */
function inTurn(...replies: unknown[]) {
  let next = 0
  return scripted(() => ({ content: replies[next++] as string }), { record: true })
}

describe('structured output', () => {
  it('is shown once, as an object, under the title of its schema', async () => {
    const model = inTurn(rome)
    const { events, names, run } = await follow(new Agent({ id: 'a', model, output: City }).stream('Rome?'))
    expect(names).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'RunContent',
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
    ])
    expect(only(events, 'RunContent')).toMatchObject([{ content: rome, contentType: 'City' }])
    expect(run).toMatchObject({ status: 'completed', content: rome, contentType: 'City' })
    expect(model.requests[0]?.output).toMatchObject({
      name: 'City',
      schema: { type: 'object', additionalProperties: false, required: ['name', 'population'] },
    })
  })

  it('is the value that the schema made of it', async () => {
    const output = z.object({ name: z.string().trim(), size: z.enum(['s', 'm']).default('m') })
    const run = await new Agent({ id: 'a', model: inTurn({ name: ' Rome ' }), output }).run('?')
    expect(run).toMatchObject({ content: { name: 'Rome', size: 'm' }, contentType: 'dict' })
  })

  it('may stand in a fence', async () => {
    const model = inTurn('```json\n{"name":"Rome","population":1}\n```')
    expect((await new Agent({ id: 'a', model, output: City }).run('?')).content).toEqual({
      name: 'Rome',
      population: 1,
    })
  })

  it('is looked for in a fence that never closes without holding anything up', async () => {
    const model = inTurn('```' + '\n'.repeat(50_000) + 'x', rome)
    const before = performance.now()
    expect((await new Agent({ id: 'a', model, output: City }).run('?')).content).toEqual(rome)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('is sent back to the model with what is wrong', async () => {
    const model = inTurn('Rome is big.', { name: 'Rome', population: 'many' }, rome)
    const { events, run } = await follow(new Agent({ id: 'a', model, output: City }).stream('Rome?'))
    expect(run.content).toEqual(rome)
    expect(only(events, 'RunContent')).toHaveLength(1)
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({
      role: 'user',
      content: expect.stringContaining('not JSON') as string,
    })
    expect(model.requests[2]?.messages.at(-1)).toMatchObject({
      role: 'user',
      content: expect.stringContaining('population: Invalid input: expected number, received string') as string,
    })
  })

  it('fails the run after two corrections', async () => {
    const model = inTurn('one', 'two', 'three', rome)
    const { events, run } = await follow(new Agent({ id: 'a', model, output: City }).stream('Rome?', quiet))
    expect(run).toMatchObject({
      status: 'error',
      error: { errorCode: 'OUTPUT_CHECK_FAILED', errorType: 'output_check_error', errorId: 'validation_failed' },
    })
    expect(run.content).toBeUndefined()
    expect(model.requests).toHaveLength(3)
    expect(namesOf(events).slice(-2)).toEqual(['ModelRequestCompleted', 'RunError'])
  })

  it('counts corrections as steps', async () => {
    const agent = new Agent({ id: 'a', model: inTurn('one', 'two'), output: City, stepLimit: 1 })
    expect((await agent.run('?', quiet)).error?.errorCode).toBe('STEP_LIMIT_REACHED')
  })

  it('holds text between tool calls back', async () => {
    const model = scripted([{ content: 'Looking.', toolCalls: [{ name: 'look' }] }, { content: rome }])
    const agent = new Agent({ id: 'a', model, output: City, tools: [tool({ name: 'look', execute: () => 'ok' })] })
    const { events, run } = await follow(agent.stream('?'))
    expect(only(events, 'RunContent').map(({ content }) => content)).toEqual([rome])
    expect(run.content).toEqual(rome)
  })

  it('can be the result of a tool that ends the run', async () => {
    const look = tool({ name: 'look', stopAfterCall: true, execute: () => rome })
    const model = scripted([{ toolCalls: [{ name: 'look' }] }])
    expect((await new Agent({ id: 'a', model, output: City, tools: [look] }).run('?')).content).toEqual(rome)
    const wrong = tool({ name: 'look', stopAfterCall: true, execute: () => 'Rome' })
    const run = await new Agent({ id: 'a', model, output: City, tools: [wrong] }).run('?', quiet)
    expect(run.error?.errorCode).toBe('OUTPUT_CHECK_FAILED')
  })
})

describe('an output schema of the request', () => {
  const agent = (model = inTurn(rome)) => new Agent({ id: 'a', model })

  it('is checked like the agent’s own, and goes before it', async () => {
    const run = await agent().run('?', { outputSchema: citySchema })
    expect(run).toMatchObject({ content: rome, contentType: 'City' })
    const other = new Agent({ id: 'b', model: inTurn(rome), output: z.object({ x: z.number() }) })
    expect((await other.run('?', { outputSchema: citySchema })).content).toEqual(rome)
  })

  it('corrects the model', async () => {
    const model = inTurn({ name: 'Rome' }, rome)
    expect((await agent(model).run('?', { outputSchema: citySchema })).content).toEqual(rome)
  })

  it('is refused before the run begins when it is no schema', async () => {
    await expect(agent().run('?', { outputSchema: { type: 'banana' } })).rejects.toMatchObject({
      code: 'INVALID_OUTPUT_SCHEMA',
      status: 422,
    })
    expect(() => agent().stream('?', { outputSchema: { $ref: '#/nowhere' } })).toThrow('output schema')
  })

  it.each([
    ['output_schema.pattern', { type: 'string', pattern: '^(a+)+$' }],
    ['output_schema.properties.a.pattern', { type: 'object', properties: { a: { type: 'string', pattern: 'a' } } }],
    ['output_schema.patternProperties', { type: 'object', patternProperties: { '^(a+)+$': {} } }],
    ['output_schema.anyOf.1.items.pattern', { anyOf: [{}, { type: 'array', items: { pattern: 'a' } }] }],
    ['output_schema.$defs.pattern.pattern', { $ref: '#/$defs/pattern', $defs: { pattern: { pattern: 'a' } } }],
    [
      'output_schema.properties.properties.properties.a.pattern',
      { type: 'object', properties: { properties: { type: 'object', properties: { a: { pattern: 'a' } } } } },
    ],
  ])('is refused where it has a regular expression run: %s', async (path, outputSchema) => {
    await expect(agent().run('?', { outputSchema })).rejects.toMatchObject({
      code: 'INVALID_OUTPUT_SCHEMA',
      status: 422,
      issues: [{ path }],
    })
  })

  it('may have properties, and data, that are named like keywords', async () => {
    const value = { pattern: 'x', patternProperties: { pattern: 'y' } }
    const properties = { pattern: { type: 'string' }, patternProperties: { type: 'object' } }
    const outputSchema = { type: 'object', properties }
    expect((await agent(inTurn(value)).run('?', { outputSchema })).content).toEqual(value)
    const withData = {
      type: 'object',
      properties: { pattern: { type: 'string', default: 'x' } },
      default: { pattern: 'x' },
    }
    expect((await agent(inTurn({ pattern: 'z' })).run('?', { outputSchema: withData })).content).toEqual({
      pattern: 'z',
    })
  })

  it('goes to the model as it is when asked so', async () => {
    const model = inTurn({ anything: true })
    const run = await agent(model).run('?', { outputSchema: citySchema, useJsonSchema: true })
    expect(run).toMatchObject({ content: { anything: true }, contentType: 'dict' })
    expect(model.requests[0]?.output?.schema).toBe(citySchema)
  })
})
