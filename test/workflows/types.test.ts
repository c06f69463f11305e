import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  Agent,
  approval,
  branch,
  humanInput,
  loop,
  map,
  parallel,
  router,
  sequence,
  sleep,
  step,
  stop,
  Team,
  waitForEvent,
  Workflow,
} from 'agentos-sdk'
import type { JsonValue, Step, StepContext } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'

const length = step({ name: 'length', run: (text: string) => text.length })
const double = step({ name: 'double', run: (n: number) => n * 2 })
const shout = step({ name: 'shout', run: (text: string) => `${text}!` })
const model = scripted('ok')
const talker = new Agent({ id: 'talker', model })
const judge = new Agent({ id: 'judge', model, output: z.object({ good: z.boolean() }) })

describe('the types of a function step', () => {
  it('are those of its function', () => {
    expectTypeOf(length).toEqualTypeOf<Step<string, number>>()
    expectTypeOf(step({ name: 's', run: async (n: number) => `${n}` })).toEqualTypeOf<Step<number, string>>()
    // What takes nothing may stand after anything.
    expectTypeOf(step({ name: 's', run: () => 1 })).toEqualTypeOf<Step<unknown, number>>()
    step({
      name: 's',
      run: (input, context) => {
        expectTypeOf(input).toBeUnknown()
        expectTypeOf(context).toEqualTypeOf<StepContext>()
        expectTypeOf(context.outputs).toEqualTypeOf<Readonly<Record<string, JsonValue>>>()
        // @ts-expect-error what came of other steps is read only
        context.outputs = {}
        // @ts-expect-error an event needs its fields
        context.emit()
      },
    })
    // @ts-expect-error a step has a name
    expect(() => step({ run: () => 1 })).toThrow('name')
    // @ts-expect-error there is no such option
    step({ name: 's', retries: 2, run: () => 1 })
    // @ts-expect-error nor beside one that says what is passed over
    step({ name: 's', onError: 'skip', retries: 2, run: () => 1 })
    // @ts-expect-error there is no such policy
    step({ name: 's', onError: 'ignore', run: () => 1 })
    // @ts-expect-error a confirmation has nothing to try again
    step({ name: 's', confirm: { onReject: 'retry' }, run: () => 1 })
  })

  it('are those of its schemas', () => {
    const parsed = step({ name: 'p', input: z.object({ n: z.number() }), output: z.coerce.date(), run: ({ n }) => n })
    expectTypeOf(parsed).toEqualTypeOf<Step<{ n: number }, Date>>()
    const defaulted = step({ name: 'p', input: z.object({ n: z.number().default(1) }), run: ({ n }) => n })
    expectTypeOf(defaulted).toEqualTypeOf<Step<{ n?: number | undefined }, number>>()
    // @ts-expect-error there is no such field
    expect(step({ name: 'p', input: z.object({ n: z.number() }), run: ({ m }) => m as number }).name).toBe('p')
    // @ts-expect-error what has the schema's form goes in, not anything
    sequence('s', length, parsed)
  })

  it('go through a stop', () => {
    const ends = step({ name: 'e', run: (n: number) => (n > 1 ? n : stop('small')) })
    expectTypeOf(ends).toEqualTypeOf<Step<number, number | string>>()
    // @ts-expect-error what a stop holds counts, too
    sequence('s', ends, double)
  })

  it('hold what it is given where it may be passed over', () => {
    const run = (n: number): string => `${n}`
    type Either = Step<number, number | string>
    expectTypeOf(step({ name: 's', onError: 'skip', run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', onError: 'pause', run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', atMostOnce: true, run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', confirm: { onReject: 'skip' }, run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', confirm: { timeoutMs: 5, onTimeout: 'skip' }, run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', review: { onReject: 'skip' }, run })).toEqualTypeOf<Either>()
    expectTypeOf(step({ name: 's', review: { timeoutMs: 5, onTimeout: 'skip' }, run })).toEqualTypeOf<Either>()
    const policy = 'cancel' as 'skip' | 'cancel' | undefined
    expectTypeOf(step({ name: 's', confirm: { onReject: policy }, run })).toEqualTypeOf<Either>()
    const kept = step({ name: 's', onError: 'fail', confirm: {}, review: { onReject: 'retry' }, run })
    expectTypeOf(kept).toEqualTypeOf<Step<number, string>>()
    // @ts-expect-error it may give the number that it was given
    sequence('s', step({ name: 's', onError: 'skip', run }), shout)
  })
})

describe('the types of a step that asks', () => {
  it('an agent', () => {
    expectTypeOf(step({ name: 's', agent: talker })).toEqualTypeOf<Step<string, string>>()
    expectTypeOf(step({ name: 's', agent: judge })).toEqualTypeOf<Step<string, { good: boolean }>>()
    const asked = step({ name: 's', agent: judge, prompt: (n: number, { attempt }) => `${n} ${attempt}` })
    expectTypeOf(asked).toEqualTypeOf<Step<number, { good: boolean }>>()
    expectTypeOf(step({ name: 's', agent: judge, onError: 'skip' })).toEqualTypeOf<
      Step<string, string | { good: boolean }>
    >()
    // @ts-expect-error a function that is no JSON can't be asked
    step({ name: 's', agent: talker, prompt: () => () => 1 })
    // @ts-expect-error it has an agent, or a function
    expect(() => step({ name: 's', agent: talker, run: () => 1 })).toThrow('needs one of')
    // @ts-expect-error only a function can be kept from running twice
    step({ name: 's', agent: talker, atMostOnce: true })
    // @ts-expect-error there is no such option, also beside one that says what is passed over
    step({ name: 's', agent: talker, onError: 'skip', retries: 2 })
  })

  it('a team', () => {
    const team = new Team({ id: 'team', model, members: [talker], output: z.object({ n: z.number() }) })
    expectTypeOf(step({ name: 's', team })).toEqualTypeOf<Step<string, { n: number }>>()
    // @ts-expect-error a team is no agent
    step({ name: 's', agent: team })
  })

  it('a workflow', async () => {
    const inner = new Workflow({ id: 'inner', steps: length })
    expectTypeOf(step({ name: 's', workflow: inner })).toEqualTypeOf<Step<string, number>>()
    // @ts-expect-error it takes a text
    sequence('s', length, step({ name: 's', workflow: inner }))
    const run = await inner.run('four')
    if (run.status === 'completed') expectTypeOf(run.content).toEqualTypeOf<number>()
    expect(run.content).toBe(4)
    // @ts-expect-error a number is not the input
    await inner.run(4).catch(() => undefined)
    // @ts-expect-error the schema of the input is not what the steps take
    expect(new Workflow({ id: 'other', input: z.number(), steps: length }).id).toBe('other')
  })
})

describe('the types of steps that hold others', () => {
  it('a sequence', () => {
    expectTypeOf(sequence('s', length, double)).toEqualTypeOf<Step<string, number>>()
    const [d1, d2, d3, d4] = [1, 2, 3, 4].map((n) => step({ name: `d${n}`, run: (at: number) => at + n }))
    expectTypeOf(sequence('s', length, d1!, d2!, d3!, d4!)).toEqualTypeOf<Step<string, number>>()
    // @ts-expect-error a number is no text
    sequence('s', length, shout)
    // @ts-expect-error nor at any later place
    sequence('s', length, d1!, d2!, shout)
    // @ts-expect-error it has steps
    expect(() => sequence('s')).toThrow('has no steps')
  })

  it('a parallel', () => {
    expectTypeOf(parallel('p', { a: length, b: shout })).toEqualTypeOf<
      Step<string, { readonly a: number; readonly b: string }>
    >()
    // What all of them take is what it takes.
    const wide = step({ name: 'wide', run: (given: { a: string }) => given.a })
    const other = step({ name: 'other', run: (given: { b: number }) => given.b })
    sequence('s', step({ name: 'both', run: () => ({ a: '', b: 1 }) }), parallel('p', { wide, other }))
    // @ts-expect-error one of them takes `b` as well
    sequence('s', step({ name: 'one', run: () => ({ a: '' }) }), parallel('p', { wide, other }))
    // @ts-expect-error there is no such key
    sequence('s', parallel('p', { a: length }), step({ name: 's', run: ({ c }: { c: number }) => c }))
    // @ts-expect-error a function is no step
    expect(() => parallel('p', { a: (text: string) => text })).toThrow('a step that is none')
  })

  it('a branch', () => {
    const way = branch({
      name: 'b',
      if: (text: string, context) => {
        expectTypeOf(context).toEqualTypeOf<StepContext>()
        return text !== '' && context.attempt === 1
      },
      then: length,
    })
    expectTypeOf(way).toEqualTypeOf<Step<string, number | string>>()
    const both = branch({ name: 'b', if: (text: string) => text !== '', then: length, else: shout })
    expectTypeOf(both).toEqualTypeOf<Step<string, number | string>>()
    const sure = branch({
      name: 'b',
      if: (n: number) => n > 1,
      then: double,
      else: step({ name: 'same', run: (n: number) => n }),
    })
    expectTypeOf(sure).toEqualTypeOf<Step<number, number>>()
    const skips = branch({
      name: 'b',
      confirm: { onReject: 'skip' },
      if: (text: string) => text !== '',
      then: length,
      else: step({ name: 'zero', run: () => 0 }),
    })
    expectTypeOf(skips).toEqualTypeOf<Step<string, number | string>>()
    // @ts-expect-error there is no such option
    branch({ name: 'b', confirm: {}, iff: 1, if: (text: string) => text !== '', then: length })
    // @ts-expect-error both ways are given the same
    branch({ name: 'b', if: (text: string) => text !== '', then: length, else: double })
    // @ts-expect-error the test is given what the ways are
    branch({ name: 'b', if: (n: number) => n > 1, then: length })
    // @ts-expect-error a test says yes or no
    branch({ name: 'b', if: (text: string) => text, then: length })
    // @ts-expect-error what it gives may be either
    sequence('s', both, double)
  })

  it('a router', () => {
    const choices = { a: length, b: shout }
    expectTypeOf(router({ name: 'r', choices, ask: {} })).toEqualTypeOf<Step<string, number | string>>()
    expectTypeOf(router({ name: 'r', choices, ask: { multiple: true } })).toEqualTypeOf<
      Step<string, (number | string)[]>
    >()
    const chosen = router({
      name: 'r',
      choices,
      select: (text, context) => {
        expectTypeOf(text).toBeString()
        expectTypeOf(context).toEqualTypeOf<StepContext>()
        return text === '' ? 'a' : 'b'
      },
    })
    expectTypeOf(chosen).toEqualTypeOf<Step<string, number | string>>()
    // @ts-expect-error there is no such choice
    router({ name: 'r', choices, select: () => 'c' })
    // @ts-expect-error somebody has to choose
    router({ name: 'r', choices })
    // @ts-expect-error what it gives may be either
    sequence('s', chosen, double)
  })

  it('a loop', () => {
    const again = loop({
      name: 'l',
      step: double,
      until: (n, context) => {
        expectTypeOf(n).toBeNumber()
        expectTypeOf(context.iteration).toEqualTypeOf<number | undefined>()
        return n > 3
      },
      maxIterations: 2,
    })
    expectTypeOf(again).toEqualTypeOf<Step<number, number>>()
    // @ts-expect-error a loop gives its step what that has given
    loop({ name: 'l', step: length, until: () => true, maxIterations: 2 })
    // @ts-expect-error it has a bound
    void (() => loop({ name: 'l', step: double, until: () => true }))
    // @ts-expect-error the end is asked about what the step gives
    loop({ name: 'l', step: double, until: (text: string) => text === '', maxIterations: 2 })
  })

  it('a map', () => {
    expectTypeOf(map({ name: 'm', step: length })).toEqualTypeOf<Step<readonly string[], number[]>>()
    // @ts-expect-error a number is no list
    sequence('s', length, map({ name: 'm', step: double }))
    // @ts-expect-error items are what the step takes
    sequence('s', step({ name: 'list', run: () => [1] }), map({ name: 'm', step: length }))
    // @ts-expect-error a number of steps at once
    expect(() => map({ name: 'm', step: length, concurrency: 'all' })).toThrow('concurrency')
  })
})

describe('the types of steps that wait', () => {
  it('for a yes', () => {
    expectTypeOf(approval<number>({ name: 'a' })).toEqualTypeOf<Step<number, number>>()
    expectTypeOf(sequence('s', length, approval({ name: 'a' }), double)).toEqualTypeOf<Step<string, number>>()
    // @ts-expect-error what it is given goes on
    sequence('s', length, approval<string>({ name: 'a' }))
    // @ts-expect-error there is no such kind
    approval({ name: 'a', approval: 'audit' })
  })

  it('for a form', () => {
    const ask = humanInput({ name: 'h', fields: z.object({ city: z.string() }) })
    expectTypeOf(ask).toEqualTypeOf<Step<unknown, { city: string }>>()
    sequence('s', length, ask)
    // @ts-expect-error it gives what was filled in
    sequence('s', ask, double)
    // @ts-expect-error a form has fields
    expect(() => humanInput({ name: 'h', fields: z.string() })).not.toThrow()
  })

  it('for a time', () => {
    expectTypeOf(sleep<number>({ name: 's', ms: 1 })).toEqualTypeOf<Step<number, number>>()
    expectTypeOf(sleep({ name: 's', ms: (n: number, { attempt }) => n * attempt })).toEqualTypeOf<
      Step<number, number>
    >()
    // @ts-expect-error milliseconds are a number
    sleep({ name: 's', ms: '1s' })
    // @ts-expect-error what it is given goes on
    sequence('s', sleep<number>({ name: 's', ms: 1 }), shout)
  })

  it('for an event', () => {
    expectTypeOf(waitForEvent({ name: 'w', event: 'e' })).toEqualTypeOf<Step<unknown, JsonValue>>()
    const payload = z.object({ n: z.number() })
    expectTypeOf(waitForEvent({ name: 'w', event: 'e', payload })).toEqualTypeOf<Step<unknown, { n: number }>>()
    const late = waitForEvent({ name: 'w', event: 'e', payload, timeoutMs: 5, onTimeout: 'skip' })
    expectTypeOf(late).toEqualTypeOf<Step<unknown, { n: number } | null>>()
    // @ts-expect-error it may have come to nothing
    sequence('s', late, step({ name: 'n', run: ({ n }: { n: number }) => n }))
    // @ts-expect-error an event has a name
    waitForEvent({ name: 'w' })
  })
})
