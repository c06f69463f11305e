import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { loop, sequence, step, waitForEvent } from 'agentos-sdk'
import type { Storage } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { serve } from './support.js'

/** Counts the events that are read. */
function counted(): { storage: Storage; read: () => number } {
  const storage = sqlite(':memory:')
  const receivedEvents = storage.runs.receivedEvents.bind(storage.runs)
  let read = 0
  storage.runs.receivedEvents = async (...given) => {
    const events = await receivedEvents(...given)
    read += events.length
    return events
  }
  return { storage, read: () => read }
}

/** Takes so many events, each only after the one before was worked on. */
function counting(times: number, taken: number[] = []) {
  const next = sequence(
    'next',
    waitForEvent({ name: 'wait', event: 'tick', payload: z.number() }),
    step({ name: 'add', run: (n: number) => taken.push(n) && taken.reduce((sum, one) => sum + one) }),
  )
  return loop({ name: 'ticks', step: next, until: () => false, maxIterations: times })
}

describe('a loop over many events', () => {
  const TIMES = 60

  it('reads each of them once when they were there before it', async () => {
    const { storage, read } = counted()
    let before = 0
    const begin = step({
      name: 'begin',
      run: async (_input, { runId }) => {
        for (let n = 1; n <= TIMES; n++) await agentOS.runs.sendEvent(runId, 'tick', n)
        before = read()
        return 0
      },
    })
    const { agentOS, run } = serve(sequence('all', begin, counting(TIMES)), { storage })
    expect(await run('go')).toMatchObject({ status: 'completed', content: (TIMES * (TIMES + 1)) / 2 })
    expect(read() - before).toBe(TIMES)
  })

  it('reads none that was taken when they come one by one', async () => {
    const { storage, read } = counted()
    const taken: number[] = []
    const { run, sendEvent, until } = serve(counting(TIMES, taken), { storage })
    const { run_id } = await run('go')
    for (let n = 1; n <= TIMES; n++) {
      await sendEvent(run_id, { name: 'tick', payload: n })
      await until(run_id, () => taken.length === n)
    }
    const { content } = await until(run_id, ({ status }) => status === 'completed')
    expect(content).toBe((TIMES * (TIMES + 1)) / 2)
    // Whoever wakes the run reads an event, and whoever executes it; the one before may not be known as taken yet.
    expect(read()).toBeLessThanOrEqual(4 * TIMES)
  })

  it('passes over events that nobody waits for, and keeps them', async () => {
    const { storage } = counted()
    const later = waitForEvent({ name: 'later', event: 'other', payload: z.number() })
    const { run, sendEvent, until } = serve(sequence('all', counting(3), later), { storage })
    const { run_id } = await run('go')
    await sendEvent(run_id, { name: 'other', payload: 7 })
    for (const n of [1, 2, 3]) await sendEvent(run_id, { name: 'tick', payload: n })
    await sendEvent(run_id, { name: 'other', payload: 8 })
    expect((await until(run_id, ({ status }) => status === 'completed')).content).toBe(7)
  })
})
