import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { approval, loop, parallel, sequence, sleep, step, waitForEvent } from 'agentos-sdk'
import type { Storage } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { sharedStorage } from '../support/two-processes.js'
import { careful, serve } from './support.js'

/** What somebody outside has seen of the steps. */
interface Outside {
  /** Keys of the calls of each step's function, once it has done its work. */
  done: Map<string, string[]>
}

/** A small workflow with one of each: a function, an agent, a parallel, a loop and an approval. */
function flow({ done }: Outside) {
  const work = (name: string, more: object = {}) =>
    step({
      name,
      ...more,
      run: (input: number, { stepId, idempotencyKey }) => {
        done.set(stepId, [...(done.get(stepId) ?? []), idempotencyKey])
        return input + 1
      },
    })
  const ask = step({ name: 'ask', agent: careful([]), prompt: (n: number) => `Say ${n}.` })
  return sequence(
    'all',
    step({ name: 'begin', run: () => 0 }),
    work('first'),
    parallel('both', { left: work('left'), right: work('once', { atMostOnce: true }), talk: ask }),
    step({ name: 'sum', run: ({ left, right }: { left: number; right: number }) => left + right }),
    loop({ name: 'again', step: work('turn'), until: (n) => n > 5, maxIterations: 4 }),
    approval<number>({ name: 'sure' }),
    step({ name: 'list', run: (n: number) => [n, n] }),
  )
}

/** A process that dies right after, or right before, one of its writes to the log: it never writes again. */
function dying(storage: Storage, after: number, isWritten: boolean): { storage: Storage; died: Promise<void> } {
  const { promise: died, resolve } = Promise.withResolvers<void>()
  let writes = 0
  const never = new Promise<never>(() => undefined)
  const runs = new Proxy(storage.runs, {
    get(target, key, receiver) {
      const method = Reflect.get(target, key, receiver) as unknown
      if (typeof method !== 'function') return method
      return async (...given: unknown[]) => {
        if (writes > after) return never
        if (key === 'append' || key === 'reopen') {
          writes++
          if (writes > after) {
            if (isWritten) await (method as (...all: unknown[]) => Promise<unknown>).apply(target, given)
            resolve()
            return never
          }
        }
        return (method as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
  return {
    storage: new Proxy(storage, {
      get: (target, key) => (key === 'runs' ? runs : Reflect.get(target, key)) as unknown,
    }),
    died,
  }
}

type Served = ReturnType<typeof serve>

/** Says yes to all that is asked, but to what may have happened: not knowing, it says no. */
async function toTheEnd(
  { until, go }: Served,
  runId: string,
  interrupted: string[],
): Promise<{ status: string; content?: unknown; step_results: unknown[] }> {
  for (;;) {
    const run = await until(runId, ({ status }) => !['running', 'pending'].includes(status as string))
    if (run.status !== 'paused') return run
    const step_requirements = run.step_requirements.map(
      (one: { step_id: string; confirmation_message?: string; executor_requirements?: { id: string }[] }) => {
        const isAgain = one.confirmation_message?.includes('interrupted') === true
        if (isAgain) interrupted.push(one.step_id)
        return {
          step_id: one.step_id,
          confirmed: !isAgain,
          ...(one.executor_requirements && {
            executor_requirements: one.executor_requirements.map(({ id }) => ({ id, confirmation: true })),
          }),
        }
      },
    )
    const { status } = await go(runId, { step_requirements, background: true })
    // The process died on the way.
    if (status >= 500) throw new Error(String(status))
  }
}

describe('a workflow whose process dies', () => {
  it('between any two writes of its log runs no finished step again, and an interrupted one with the same key', async () => {
    let trials = 0
    let interruptions = 0
    for (let writes = 0, isOver = false; !isOver; writes++) {
      for (const isWritten of [false, true]) {
        const open = sharedStorage()
        const outside: Outside = { done: new Map() }
        const { storage, died } = dying(open(), writes, isWritten)
        const first = serve(flow(outside), { storage, runs: { leaseMs: 150, sweepMs: 20, pollMs: 20 }, isDoomed: true })
        const interrupted: string[] = []
        const runId = `run-${writes}-${isWritten}`
        const ended = first
          .send(first.path, { message: 'go', run_id: runId, background: true })
          .then(() => toTheEnd(first, runId, interrupted))
        const outcome = await Promise.race([ended.then(() => 'ended'), died.then(() => 'died')])
        let run
        if (outcome === 'ended') {
          isOver = true
          run = await ended
        } else {
          trials++
          const second = serve(flow(outside), { storage: open(), runs: { leaseMs: 150, sweepMs: 20, pollMs: 20 } })
          await second.send('/health')
          run = await toTheEnd(second, runId, interrupted)
          await second.agentOS.stop()
        }
        expect(run.status, `${runId} ${JSON.stringify(run)}`).toBe('completed')
        for (const [id, keys] of outside.done) {
          expect(new Set(keys).size, `${runId} ${id}`).toBe(1)
          expect(keys.length, `${runId} ${id}`).toBeLessThanOrEqual(id === 'both/once' ? 1 : 2)
        }
        const repeated = [...outside.done.values()].filter((keys) => keys.length > 1).length
        // Only what was open when the process died may run again: at most the two beside each other.
        expect(repeated, runId).toBeLessThanOrEqual(2)
        interruptions += interrupted.length
      }
    }
    console.log(
      `${trials} kills between writes; ${interruptions} times somebody was asked about a step that may run once`,
    )
    expect(trials).toBeGreaterThan(30)
    expect(interruptions).toBeGreaterThan(0)
  }, 240_000)
})

describe('workflows that wait', () => {
  it('go on in another process, which one of several wakes', async () => {
    const open = sharedStorage()
    let ran = 0
    const waiting = () =>
      sequence(
        'all',
        step({ name: 'count', run: () => ++ran }),
        sleep<number>({ name: 'rest', ms: 1100 }),
        waitForEvent({ name: 'paid', event: 'paid', payload: z.number() }),
        step({ name: 'after', run: (n: number) => n * 10 + ++ran }),
      )
    const first = serve(waiting(), { storage: open() })
    const { run_id } = await first.run()
    await first.agentOS.stop()
    const others = [1, 2, 3].map(() => serve(waiting(), { storage: open() }))
    for (const { send } of others) await send('/health')
    await others[0]!.until(run_id, ({ pause_kind: kind }) => kind === 'event')
    await others[1]!.sendEvent(run_id, { name: 'paid', payload: 4 })
    const run = await others[2]!.until(run_id, ({ status }) => status === 'completed')
    expect(run.content).toBe(42)
    expect(ran).toBe(2)
    const legs = (await others[0]!.resume(run_id)).filter(
      ({ event }) => event === 'SleepCompleted' || event === 'WaitForEventCompleted',
    )
    expect(legs).toHaveLength(2)
  })

  it('cost no timers, however many', async () => {
    const { send, path, agentOS } = serve(sleep<string>({ name: 'rest', ms: 30_000 }), { storage: sqlite(':memory:') })
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await send(path, { message: 'x' })
    const before = timers()
    await Promise.all(Array.from({ length: 1000 }, () => send(path, { message: 'x' })))
    expect((await agentOS.runs.list({ statuses: ['paused'], limit: 1000 })).data.length).toBe(1000)
    expect(timers()).toBeLessThanOrEqual(before + 2)
  }, 60_000)
})
