import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { Storage } from '../../storage/storage.js'
import { approval, delivery } from './approval-cases.js'
import { accept, codeOf, ending, segment, session, statusOf, T0, type Cases } from './case.js'

const TRIALS = 15
const entries = '[{"t":1,"e":{"event":"RunStarted"}}]'
const body = JSON.stringify({ contentType: 'str', metrics: {} })

async function paused(storage: Storage, sessionId: string): Promise<{ runId: string; id: string }> {
  const { runId } = await accept(storage, { run: { sessionId } })
  const asked = approval(runId, { sessionId })
  await storage.runs.append(ending(runId, 'paused', { end: { status: 'paused', usage: {}, approval: asked } }))
  return { runId, id: asked.id }
}

export const twoNodeRecordCases: Cases = {
  'resolve an approval once': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { id } = await paused(one, `ses_${trial}`)
      const resolved = await Promise.all(
        [one, other, one, other].map((storage, at) =>
          storage.approvals.resolve(fullCaller, id, {
            status: 'approved',
            resolvedBy: `user_${at}`,
            at: T0 + 5,
            continuesRun: false,
            deliveries: [],
          }),
        ),
      )
      assert.equal(resolved.filter(Boolean).length, 1)
      assert.equal((await other.approvals.get(fullCaller, id))?.resolvedBy, `user_${resolved.indexOf(true)}`)
    }
  },

  'resolve an approval or end its run, whichever comes first': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId, id } = await paused(one, `ses_${trial}`)
      await one.runs.requestCancel(fullCaller, runId, T0)
      const end = { status: 'cancelled', usage: {}, closesApprovals: true } as const
      const resolution = { status: 'approved', at: T0, continuesRun: false, deliveries: [] } as const
      const [resolved] = await Promise.all([
        one.approvals.resolve(fullCaller, id, resolution),
        other.runs.append(ending(runId, 'cancelled', { segment: segment(2), end })),
      ])
      assert.equal((await one.approvals.get(fullCaller, id))?.status, resolved ? 'approved' : 'cancelled')
      assert.equal(await statusOf(one, runId), 'cancelled')
    }
  },

  'note once that the time of an approval is up': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId, id } = await paused(one, `ses_${trial}`)
      const expired = await Promise.all(
        [one, other, one, other].map((storage, at) =>
          storage.approvals.expire(id, 'expired', T0 + 9, [delivery(runId, { id: `whd_${trial}_${at}` })]),
        ),
      )
      assert.equal(expired.filter(Boolean).length, 1)
    }
    assert.equal((await other.webhooks.claim(T0 + 1e6, T0 + 2e6, 100)).length, TRIALS)
  },

  'claim each delivery once': async (one, other) => {
    for (let at = 0; at < 20; at++) {
      const { runId } = await accept(one, { concurrency: 'allow' })
      const end = { status: 'completed', usage: {}, deliveries: [delivery(runId)] } as const
      await one.runs.append(ending(runId, 'completed', { end }))
    }
    const claimed = await Promise.all(
      [one, other, one, other].map((storage) => storage.webhooks.claim(T0 + 1e6, T0 + 2e6, 20)),
    )
    const ids = claimed.flat().map(({ id }) => id)
    assert.equal(ids.length, 20)
    assert.equal(new Set(ids).size, 20)
  },

  'make a session once': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const made = await Promise.all(
        [one, other, one].map((storage, at) =>
          storage.sessions.create(session({ sessionId: `ses_${trial}`, name: `${at}` })).then(() => 'made', codeOf),
        ),
      )
      assert.deepEqual(made.toSorted(), ['SESSION_EXISTS', 'SESSION_EXISTS', 'made'])
      assert.equal((await other.sessions.get(fullCaller, `ses_${trial}`))?.name, `${made.indexOf('made')}`)
    }
  },

  'change a session once for one look at it': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const sessionId = `ses_${trial}`
      await one.sessions.create(session({ sessionId }))
      const changed = await Promise.all(
        [one, other, one, other].map((storage, at) =>
          storage.sessions
            .update(fullCaller, sessionId, { state: { by: at } }, { at: T0 + 5, ifUpdatedAt: T0 })
            .then(() => 'changed', codeOf),
        ),
      )
      assert.equal(changed.filter((answer) => answer === 'changed').length, 1)
      assert.deepEqual((await other.sessions.get(fullCaller, sessionId))?.state, { by: changed.indexOf('changed') })
    }
  },

  'do not overwrite what a run of the other writes into the state': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const { runId } = await accept(one, { run: { sessionId: `ses_${trial}` } })
      const { updatedAt, state } = (await other.sessions.get(fullCaller, `ses_${trial}`))!
      const options = { at: T0 + 1, ifUpdatedAt: updatedAt }
      const [, changed] = await Promise.all([
        one.runs.append({ runId, segment: segment(1), at: T0, statePatches: [{ set: { fromRun: 1 } }] }),
        other.sessions
          .update(fullCaller, `ses_${trial}`, { state: { ...state, fromUser: 1 } }, options)
          .then(() => 'changed', codeOf),
      ])
      const expected = changed === 'changed' ? { fromUser: 1, fromRun: 1 } : { fromRun: 1 }
      assert.deepEqual((await one.sessions.get(fullCaller, `ses_${trial}`))!.state, expected)
    }
  },

  'delete a session whole, whatever its runs write meanwhile': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const sessionId = `ses_${trial}`
      const { runId } = await accept(one, { run: { sessionId } })
      const [appended, ended] = await Promise.all([
        one.runs.append({ runId, segment: segment(1), at: T0 }),
        one.runs.append(ending(runId, 'completed', { segment: segment(2) })).catch(() => undefined),
        other.sessions.delete(fullCaller, [sessionId]),
      ])
      assert(appended.outcome === 'committed' || appended.outcome === 'lease_lost')
      assert(ended === undefined || ['committed', 'lease_lost'].includes(ended.outcome))
      assert.equal(await one.runs.get(fullCaller, runId), undefined)
      assert.deepEqual(await one.runs.segments(runId, 0, 10), [])
      assert.equal(await one.sessions.get(fullCaller, sessionId), undefined)
    }
  },

  'leave no run without its session when one deletes it and the other runs in it': async (one, other) => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const sessionId = `ses_${trial}`
      await accept(one, { run: { sessionId } })
      const [{ runId }] = await Promise.all([
        accept(one, { concurrency: 'allow', run: { sessionId } }),
        other.sessions.delete(fullCaller, [sessionId]),
      ])
      const isThere = (await other.sessions.get(fullCaller, sessionId)) !== undefined
      assert.equal((await other.runs.get(fullCaller, runId)) !== undefined, isThere)
    }
  },

  'copy a session as it is at one moment, while its runs go on': async (one, other) => {
    for (let trial = 0; trial < 5; trial++) {
      const sessionId = `ses_${trial}`
      const { runId: failed } = await accept(one, { run: { sessionId }, firstSegment: segment(0, 0, 1, entries) })
      await one.runs.append(ending(failed, 'error', { segment: segment(1, 1, 1, entries), body }))
      const next = segment(2, 2, 2, entries)
      const leg = { runId: failed, attempt: 1, mode: 'plain', segment: next, at: T0 } as const
      const fork = () => other.sessions.fork(fullCaller, sessionId, `${sessionId}_copy`, { at: T0 })
      const reopen = () => one.runs.reopen({ ...leg, executorId: 'exe_1' })
      // Either is asked for first, in turns.
      const work = trial % 2 === 0 ? [fork(), reopen()] : [reopen(), fork()]
      const answers = await Promise.all<boolean | number | undefined>(work)
      const [copied, opened] = trial % 2 === 0 ? answers : answers.toReversed()
      assert.equal(opened, true)
      const copies = (await one.runs.list(fullCaller, { sessionId: `${sessionId}_copy`, limit: 10 })).data
      assert.equal(copies.length, copied)
      for (const { head } of copies) {
        const log = await one.runs.segments(head.runId, 0, 10)
        assert.deepEqual([head.status, log.at(-1)!.lastIndex], ['error', head.lastIndex])
      }
    }
  },

  'store media once that come twice': async (one, other) => {
    const media = Array.from({ length: 10 }, (_, at) => ({ hash: `h${at}`, bytes: Uint8Array.of(at) }))
    await Promise.all([one, other, one, other].map((storage) => storage.media.put('run_1', media)))
    const found = await other.media.get(media.map(({ hash }) => hash))
    assert.deepEqual(found, new Map(media.map(({ hash, bytes }) => [hash, bytes])))
  },
}
