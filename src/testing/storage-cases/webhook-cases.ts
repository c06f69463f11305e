import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { Delivery } from '../../webhooks/delivery.js'
import type { Storage } from '../../storage/storage.js'
import { delivery } from './approval-cases.js'
import { accept, assertSame, ending, segment, T0, type Cases } from './case.js'

/** A run that has ended, and what is to be posted about it. */
async function ended(storage: Storage, changes: Partial<Delivery> = {}): Promise<Delivery> {
  const { runId } = await accept(storage, { concurrency: 'allow' })
  const made = delivery(runId, { type: 'run.completed', eventIndex: 1, ...changes })
  const end = { status: 'completed', usage: {}, deliveries: [made] } as const
  await storage.runs.append(ending(runId, 'completed', { end }))
  return made
}

const claim = (storage: Storage, at: number, limit = 10) => storage.webhooks.claim(at, at + 100, limit)

export const webhookCases: Cases = {
  'comes with the segment that it tells of, or not at all': async (storage) => {
    const made = await ended(storage)
    assertSame(await claim(storage, T0), [{ ...made, attempt: 1 }])
    const { runId } = await accept(storage, { concurrency: 'allow' })
    const end = { status: 'completed', usage: {}, deliveries: [delivery(runId)] } as const
    const refused = ending(runId, 'completed', { segment: segment(1, 1, 7), end })
    assertSame(await storage.runs.append(refused), { outcome: 'lease_lost' })
    assertSame(await claim(storage, T0), [])
  },

  'is taken by one of many, and by another when that one is gone': async (storage) => {
    const made = await Promise.all(Array.from({ length: 8 }, () => ended(storage)))
    const taken = await Promise.all(Array.from({ length: 5 }, () => claim(storage, T0)))
    assert.deepEqual(
      taken
        .flat()
        .map(({ id }) => id)
        .toSorted(),
      made.map(({ id }) => id).toSorted(),
    )
    assert.deepEqual(await claim(storage, T0 + 99), [])
    const again = await claim(storage, T0 + 100, 3)
    assert.deepEqual(
      again.map(({ attempt }) => attempt),
      [2, 2, 2],
    )
  },

  'is gone when it has arrived, and waits when it has not': async (storage) => {
    const [arrives, waits] = [await ended(storage), await ended(storage)]
    for (const one of await claim(storage, T0)) {
      if (one.id === arrives.id) await storage.webhooks.delivered(one.id)
      else await storage.webhooks.failed(one, 'The receiver answered 500.', T0 + 50)
    }
    assert.equal(await storage.webhooks.nextAt(), T0 + 50)
    assert.deepEqual(await claim(storage, T0 + 49), [])
    const [second] = await claim(storage, T0 + 50)
    assertSame(second, { ...waits, attempt: 2 })
    await storage.webhooks.failed(second!, 'The receiver answered 500.', undefined)
    assert.deepEqual(await claim(storage, T0 + 1e9), [])
    assert.equal(await storage.webhooks.nextAt(), undefined)
  },

  'is not spoiled by whoever took it before and comes late': async (storage) => {
    await ended(storage)
    const [first] = await claim(storage, T0)
    const [second] = await claim(storage, T0 + 100)
    await storage.webhooks.failed(first!, 'Too slow.', undefined)
    assert.equal(await storage.webhooks.nextAt(), T0 + 200)
    await storage.webhooks.delivered(second!.id)
    assert.equal(await storage.webhooks.nextAt(), undefined)
  },

  'goes with its run when the session is deleted': async (storage) => {
    await ended(storage, { payload: '{"text":"\\u0000"}' })
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assert.deepEqual(await claim(storage, T0), [])
  },
}
