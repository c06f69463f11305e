import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { ComponentId } from '../../runs/run-repository.js'
import type { Storage } from '../../storage/storage.js'
import { accept, assertSame, cancelWaiting, ending, segment, T0, user, type Cases } from './case.js'

const flow: ComponentId = { kind: 'workflow', id: 'flow' }
const event = (id: string, name = 'paid', payload?: number) => ({ id, name, ...(payload !== undefined && { payload }) })

/** A workflow's run that has paused; `wakeAt`: when it goes on by itself. */
async function paused(storage: Storage, wakeAt?: number, sessionId = 'ses_1', userId?: string): Promise<string> {
  const component = { ...flow, name: 'Flow' }
  const { runId } = await accept(storage, { run: { component, sessionId, ...(userId !== undefined && { userId }) } })
  const end = { status: 'paused' as const, usage: {}, ...(wakeAt !== undefined && { wakeAt }) }
  await storage.runs.append(ending(runId, 'paused', { end }))
  return runId
}

async function due(storage: Storage, at: number, limit = 10): Promise<string[]> {
  return (await storage.runs.toWake([flow], limit, at)).map(({ head }) => head.runId)
}

export const wakeCases: Cases = {
  'are found when their time has come, the longest overdue first': async (storage) => {
    const later = await paused(storage, T0 + 200, 'ses_1')
    const sooner = await paused(storage, T0 + 100, 'ses_2')
    await paused(storage, undefined, 'ses_3')
    assert.deepEqual(await due(storage, T0 + 99), [])
    assert.deepEqual(await due(storage, T0 + 100), [sooner])
    assert.deepEqual(await due(storage, T0 + 200), [sooner, later])
    assert.deepEqual(await due(storage, T0 + 200, 1), [sooner])
    assert.deepEqual(await storage.runs.toWake([{ kind: 'workflow', id: 'other' }], 10, T0 + 200), [])
    assert.deepEqual(await storage.runs.toWake([{ kind: 'agent', id: 'flow' }], 10, T0 + 200), [])
  },

  'are not found any more once they go on or have ended': async (storage) => {
    const goesOn = await paused(storage, T0, 'ses_1')
    const ended = await paused(storage, T0, 'ses_2')
    await storage.runs.reopen({
      runId: goesOn,
      attempt: 1,
      executorId: 'exe_2',
      mode: 'background',
      at: T0,
      segment: segment(2, 2, 2),
    })
    await cancelWaiting(storage, ended)
    assert.deepEqual(await due(storage, T0 + 1), [])
    // A pause without a time waits for no time, whatever an earlier one has waited for.
    await storage.runs.append(ending(goesOn, 'paused', { segment: segment(3, 3, 2) }))
    assert.deepEqual(await due(storage, T0 + 1), [])
  },

  'are found when an event has come, before the pause or after it': async (storage) => {
    const waits = await paused(storage, undefined, 'ses_1')
    assert.equal(await storage.runs.sendEvent(fullCaller, waits, event('e1'), T0 + 5), 'accepted')
    const { runId } = await accept(storage, { run: { component: { ...flow, name: 'Flow' }, sessionId: 'ses_2' } })
    assert.equal(await storage.runs.sendEvent(fullCaller, runId, event('e1'), T0 + 6), 'accepted')
    assert.deepEqual(await due(storage, T0 + 10), [waits])
    const end = { status: 'paused' as const, usage: {}, wakeAt: T0 + 1000 }
    await storage.runs.append(ending(runId, 'paused', { end }))
    assert.deepEqual(await due(storage, T0 + 10), [waits, runId])
  },

  'keep events in their order, each id once': async (storage) => {
    const runId = await paused(storage)
    const send = (id: string, payload?: number, name?: string) =>
      storage.runs.sendEvent(fullCaller, runId, event(id, name, payload), T0)
    assert.equal(await send('b', 1), 'accepted')
    assert.equal(await send('a', 2, 'other'), 'accepted')
    assert.equal(await send('b', 3), 'repeated')
    assert.equal(await send('c'), 'accepted')
    const received = await storage.runs.receivedEvents(runId, 0)
    assertSame(
      received.map(({ seq: _seq, ...sent }) => sent),
      [event('b', 'paid', 1), event('a', 'other', 2), event('c')],
    )
    const places = received.map(({ seq }) => seq)
    assertSame(
      places,
      places.toSorted((a, b) => a - b),
    )
    assertSame(await storage.runs.receivedEvents(runId, places[0]!), received.slice(1))
    assertSame(await storage.runs.receivedEvents(runId, places[2]!), [])
    assertSame(await storage.runs.receivedEvents('run_unknown', 0), [])
  },

  'take no event of somebody else, and none once they have ended': async (storage) => {
    const runId = await paused(storage, undefined, 'ses_1', 'ann')
    assert.equal(await storage.runs.sendEvent(user('bob'), runId, event('e'), T0), undefined)
    assert.equal(await storage.runs.sendEvent(fullCaller, 'run_unknown', event('e'), T0), undefined)
    assertSame(await storage.runs.receivedEvents(runId, 0), [])
    assert.equal(await storage.runs.sendEvent(user('ann'), runId, event('e'), T0), 'accepted')
    await cancelWaiting(storage, runId)
    assert.equal(await storage.runs.sendEvent(user('ann'), runId, event('f'), T0), 'ended')
  },

  'are looked at later, unless something has happened meanwhile': async (storage) => {
    const runId = await paused(storage, T0)
    await storage.runs.postponeWake(runId, 7, undefined)
    assert.deepEqual(await due(storage, T0), [runId])
    await storage.runs.postponeWake(runId, 1, T0 + 50, 0)
    assert.deepEqual(await due(storage, T0 + 49), [])
    assert.deepEqual(await due(storage, T0 + 50), [runId])
    await storage.runs.sendEvent(fullCaller, runId, event('e'), T0 + 1)
    // Whoever has looked before the event came must not put it off.
    await storage.runs.postponeWake(runId, 1, undefined, 0)
    assert.deepEqual(await due(storage, T0 + 1), [runId])
    const seq = (await storage.runs.receivedEvents(runId, 0)).at(-1)?.seq
    await storage.runs.postponeWake(runId, 1, undefined, seq)
    assert.deepEqual(await due(storage, T0 + 100), [])
  },

  'lose their events with their session': async (storage) => {
    const runId = await paused(storage)
    await storage.runs.sendEvent(fullCaller, runId, event('e'), T0)
    await cancelWaiting(storage, runId)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assertSame(await storage.runs.receivedEvents(runId, 0), [])
  },
}
