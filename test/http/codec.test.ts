import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { UserJson, UserJsonObject } from '../../src/core/schema.js'
import { decoder } from '../../src/http/decode.js'
import { encoder } from '../../src/http/encode.js'
import { parseWire } from '../../src/http/parse-wire.js'
import { wireName } from '../../src/http/wire-names.js'

const keys = ['id', 'runId', 'toolCallId', 'a1B', 'createdAtMs', 'x', 'sha256', 'isPaused'] as const

/** A schema and values of it, grown together. */
interface Sample {
  schema: z.ZodType
  value: fc.Arbitrary<unknown>
}
const strange = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\u0000', '\ud800', 'snake_key', 'camelKey', '__proto__'),
)
const userJson = fc.oneof(fc.jsonValue(), fc.dictionary(strange, strange, { maxKeys: 3 }))
const leaves: fc.Arbitrary<Sample> = fc.constantFrom<Sample>(
  { schema: z.string(), value: strange },
  { schema: z.number(), value: fc.integer() },
  { schema: z.enum(['runPaused', 'run_done']), value: fc.constantFrom('runPaused', 'run_done') },
  { schema: UserJson, value: userJson },
  { schema: z.unknown(), value: userJson },
  { schema: UserJsonObject, value: fc.dictionary(strange, userJson, { maxKeys: 3 }) },
)
const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    tie('sample').map(({ schema, value }) => ({ schema: z.array(schema), value: fc.array(value, { maxLength: 3 }) })),
    tie('sample').map(({ schema, value }) => ({ schema: schema.nullable(), value: fc.option(value) })),
    tie('sample').map(({ schema, value }) => ({ schema: z.lazy(() => schema).readonly(), value })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]) => ({
      schema: z.tuple([a.schema, b.schema]),
      value: fc.tuple(a.value, b.value),
    })),
    tie('sample').map(({ schema, value }) => ({
      schema: z.record(z.string(), schema),
      value: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        value,
        { maxKeys: 3, noNullPrototype: true },
      ),
    })),
    fc.dictionary(fc.constantFrom(...keys), tie('sample'), { maxKeys: 4, noNullPrototype: true }).map(objectSample),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]) => {
      const left = objectSample({ leftId: a })
      const right = objectSample({ rightId: b })
      const named = (kind: string, { schema, value }: Sample): Sample => ({
        schema: (schema as z.ZodObject).extend({ eventKind: z.literal(kind) }),
        value: value.map((fields) => ({ ...(fields as object), eventKind: kind })),
      })
      const [first, second] = [named('left', left), named('right', right)]
      return {
        schema: z.discriminatedUnion('eventKind', [
          first.schema as z.ZodObject<{ eventKind: z.ZodLiteral<'left'> }>,
          second.schema as z.ZodObject<{ eventKind: z.ZodLiteral<'right'> }>,
        ]),
        value: fc.oneof(first.value, second.value),
      }
    }),
    tie('sample').map((inner) => {
      const { schema, value } = objectSample({ innerThing: inner })
      return {
        schema: z.union([z.string(), z.array(schema), schema]),
        value: fc.oneof(fc.string(), fc.array(value, { maxLength: 2 }), value),
      }
    }),
  ),
}))
function objectSample(fields: Record<string, Sample>): Sample {
  return {
    schema: z.object(Object.fromEntries(Object.entries(fields).map(([key, { schema }]) => [key, schema]))),
    value: fc.record(Object.fromEntries(Object.entries(fields).map(([key, { value }]) => [key, value])), {
      noNullPrototype: true,
    }),
  }
}

describe('encoder and decoder', () => {
  it('turn every value into the wire and back', () => {
    fc.assert(
      fc.property(
        sample.chain(({ schema, value }) => fc.tuple(fc.constant(schema), value)),
        ([schema, value]) => {
          const wire = encoder(schema)(value)
          expect(decoder(schema)(wire)).toEqual(value)
          expect(parseWire(schema, wire)).toEqual(value)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('rename declared keys only, and pass the JSON of users by reference', () => {
    const Record = z.object({
      sessionState: UserJsonObject,
      byName: z.record(z.string(), z.object({ runId: z.string() })),
      leftOut: z.string().optional(),
    })
    const sessionState = { userName: 'Ada', user_name: '\u0000\ud800', nested: [{ aB: 1 }] }
    const wire = encoder(Record)({
      sessionState,
      byName: { myKey: { runId: 'r' } },
      leftOut: undefined,
      extra: 1,
    } as never)
    expect(wire).toStrictEqual({ session_state: sessionState, by_name: { myKey: { run_id: 'r' } } })
    expect((wire as { session_state: unknown }).session_state).toBe(sessionState)
  })

  it('follow recursion through getters, discriminators and several object options', () => {
    const Node = z.object({
      nodeId: z.string(),
      get childNodes() {
        return z.array(Node).optional()
      },
    })
    const tree = { nodeId: 'a', childNodes: [{ nodeId: 'b', childNodes: [{ nodeId: 'c' }] }] }
    const wire = { node_id: 'a', child_nodes: [{ node_id: 'b', child_nodes: [{ node_id: 'c' }] }] }
    expect(encoder(Node)(tree)).toEqual(wire)
    expect(parseWire(Node, wire)).toEqual(tree)

    const Either = z.union([
      z.object({ agentId: z.string(), runId: z.string() }),
      z.object({ teamId: z.string(), memberRuns: z.array(Node) }),
    ])
    const team = { teamId: 't', memberRuns: [tree] }
    expect(encoder(Either)(team)).toEqual({ team_id: 't', member_runs: [wire] })
    expect(parseWire(Either, { team_id: 't', member_runs: [wire] })).toEqual(team)
  })

  it('keep extra keys of loose objects, of whatever spelling', () => {
    const Loose = z.looseObject({ runId: z.string() })
    const value = { runId: 'r', otherKey: 1, other_key: 2 }
    expect(encoder(Loose)(value)).toEqual({ run_id: 'r', otherKey: 1, other_key: 2 })
    expect(parseWire(Loose, { run_id: 'r', otherKey: 1, other_key: 2 })).toEqual(value)
  })

  it('merge the sides of an intersection', () => {
    const Both = z.intersection(z.object({ runId: z.string() }), z.object({ userId: z.string() }))
    expect(encoder(Both)({ runId: 'r', userId: 'u' })).toEqual({ run_id: 'r', user_id: 'u' })
    expect(parseWire(Both, { run_id: 'r', user_id: 'u' })).toEqual({ runId: 'r', userId: 'u' })
  })

  it('leave prototypes alone', () => {
    const Some = z.looseObject({ runId: z.string().optional() })
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1},"run_id":"r"}') as unknown
    const decoded = decoder(Some)(hostile) as object
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(Object.hasOwn(decoded, '__proto__')).toBe(true)
    const Declares = z.object({ constructor: z.string().optional(), toString: z.string().optional() })
    expect(encoder(Declares)({} as never)).toEqual({})
    expect(Object.keys(decoder(z.object({ runId: z.string() }))(hostile) as object)).toEqual(['runId'])
  })

  it('refuse a schema with two keys that are one on the wire', () => {
    expect(() => encoder(z.object({ runId: z.string(), run_id: z.string() }))).toThrow('run_id')
  })

  it('write marked fields in the style of the origin only when asked', () => {
    const Run = z.object({
      status: z.enum(['paused', 'done']).meta({ agno: 'uppercase' }),
      createdAt: z.string().meta({ agno: 'epoch-seconds' }).optional(),
      messages: z.array(z.object({ status: z.string() })),
    })
    const run = { status: 'paused' as const, createdAt: '2025-09-08T16:18:34.900Z', messages: [{ status: 'paused' }] }
    expect(encoder(Run)(run)).toEqual({ status: 'paused', created_at: run.createdAt, messages: [{ status: 'paused' }] })
    expect(encoder(Run, 'agno')(run)).toEqual({
      status: 'PAUSED',
      created_at: 1757348314,
      messages: [{ status: 'paused' }],
    })
  })

  describe('where code from strings is forbidden', () => {
    afterEach(() => vi.unstubAllGlobals())
    it('encode the same with a loop', () => {
      vi.stubGlobal('Function', function forbidden() {
        throw new EvalError('Code generation from strings disallowed for this context')
      })
      const Run = z.object({ runId: z.string(), inner: z.object({ toolName: z.string().optional() }) })
      expect(encoder(Run)({ runId: 'r', inner: { toolName: undefined } })).toStrictEqual({ run_id: 'r', inner: {} })
    })
  })
})

describe('parseWire', () => {
  const issuesOf = (schema: z.ZodType, value: unknown): unknown => {
    try {
      return parseWire(schema, value)
    } catch (error) {
      return (error as { issues: unknown }).issues
    }
  }

  it('reports paths in the spelling of the wire', () => {
    const Input = z.object({
      toolCalls: z.array(z.object({ callId: z.string(), toolArgs: z.record(z.string(), z.number()) })),
      nextPage: z.number().max(10).optional(),
    })
    expect(issuesOf(Input, { tool_calls: [{ tool_args: { someKey: 'x' } }], next_page: 11 })).toEqual([
      { path: 'tool_calls.0.call_id', message: expect.any(String) },
      { path: 'tool_calls.0.tool_args.someKey', message: expect.any(String) },
      { path: 'next_page', message: expect.stringContaining('got 11') },
    ])
  })

  it('reports unknown keys of strict objects, also those that are declared in the other spelling', () => {
    const Filter = z.strictObject({ runId: z.string().optional() })
    expect(issuesOf(Filter, { run_id: 'r', runId: 'r', runid: 1 })).toEqual([
      { path: 'runId', message: 'Unknown field "runId"' },
      { path: 'runid', message: 'Unknown field "runid"' },
    ])
  })

  it('reports what is wrong inside the option of a union that was meant', () => {
    const Input = z.object({ memberRef: z.union([z.string(), z.object({ agentId: z.string() })]) })
    expect(issuesOf(Input, { member_ref: { agent_id: 1 } })).toEqual([
      { path: 'member_ref.agent_id', message: expect.stringContaining('expected string') },
    ])
  })

  it('ignores unknown keys of normal objects, and never takes the spelling of code for that of the wire', () => {
    expect(parseWire(z.object({ runId: z.string().optional() }), { runId: 'r', other: 1 })).toEqual({})
  })
})

describe('wireName', () => {
  it('spells words with underscores', () => {
    expect(['runId', 'id', 'sha256', 'useJsonSchema', 'already_snake'].map(wireName)).toEqual([
      'run_id',
      'id',
      'sha256',
      'use_json_schema',
      'already_snake',
    ])
  })
})
