import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  branch,
  humanInput,
  loop,
  map,
  parallel,
  router,
  sequence,
  step,
  stop,
  waitForEvent,
  Workflow,
} from 'agentos-sdk'
import type { Step } from 'agentos-sdk'

const length = step({ name: 'length', run: (text: string) => text.length })
const double = step({ name: 'double', run: (n: number) => n * 2 })
const shout = step({ name: 'shout', run: (text: string) => `${text}!` })

describe('the types of steps', () => {
  it('go from one step of a sequence to the next', () => {
    expectTypeOf(sequence('s', length, double)).toEqualTypeOf<Step<string, number>>()
    // @ts-expect-error a number is no text
    sequence('s', length, shout)
    const eleven = sequence('s', length, double, ...([] as [])) // prettier-ignore
    expectTypeOf(eleven).toEqualTypeOf<Step<string, number>>()
    expect(eleven.name).toBe('s')
  })

  it('go by the schemas of a step, and through a stop', () => {
    const parsed = step({ name: 'p', input: z.object({ n: z.number() }), output: z.coerce.date(), run: ({ n }) => n })
    expectTypeOf(parsed).toEqualTypeOf<Step<{ n: number }, Date>>()
    const ends = step({ name: 'e', run: (n: number) => (n > 1 ? n : stop('small')) })
    expectTypeOf(ends).toEqualTypeOf<Step<number, number | string>>()
    // @ts-expect-error there is no such field
    expect(step({ name: 'p', input: z.object({ n: z.number() }), run: ({ m }) => m as number }).name).toBe('p')
  })

  it('hold for steps that hold others', () => {
    expectTypeOf(parallel('p', { a: length, b: shout })).toEqualTypeOf<
      Step<string, { readonly a: number; readonly b: string }>
    >()
    expectTypeOf(router({ name: 'r', choices: { a: length, b: shout }, ask: {} })).toEqualTypeOf<
      Step<string, number | string>
    >()
    // @ts-expect-error there is no such choice
    router({ name: 'r', choices: { a: length, b: shout }, select: () => 'c' })
    expectTypeOf(map({ name: 'm', step: length })).toEqualTypeOf<Step<readonly string[], number[]>>()
    expectTypeOf(loop({ name: 'l', step: double, until: (n) => n > 3, maxIterations: 2 })).toEqualTypeOf<
      Step<number, number>
    >()
    // @ts-expect-error a loop gives its step what that has given
    loop({ name: 'l', step: length, until: () => true, maxIterations: 2 })
    const way = branch({ name: 'b', if: (text: string) => text !== '', then: length })
    expectTypeOf(way).toEqualTypeOf<Step<string, number | string>>()
    expect(way.name).toBe('b')
  })

  it('hold for what comes from outside, and for a workflow inside of another', async () => {
    expectTypeOf(waitForEvent({ name: 'w', event: 'e', payload: z.object({ n: z.number() }) })).toExtend<
      Step<never, { n: number }>
    >()
    expectTypeOf(humanInput({ name: 'h', fields: z.object({ city: z.string() }) })).toExtend<
      Step<never, { city: string }>
    >()
    const inner = new Workflow({ id: 'inner', steps: length })
    expectTypeOf(step({ name: 'host', workflow: inner })).toEqualTypeOf<Step<string, number>>()
    const run = await inner.run('four')
    if (run.status === 'completed') expectTypeOf(run.content).toEqualTypeOf<number>()
    expect(run.content).toBe(4)
    // @ts-expect-error a number is not the input
    await inner.run(4).catch(() => undefined)
  })
})
