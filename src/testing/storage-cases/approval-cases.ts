import assert from 'node:assert/strict'
import type { StoredApproval } from '../../approvals/approval-repository.js'
import { fullCaller } from '../../core/caller.js'
import { newId } from '../../core/ids.js'
import type { Delivery } from '../../webhooks/delivery.js'
import type { Storage } from '../../storage/storage.js'
import { accept, assertSame, ending, segment, T0, user, type Cases } from './case.js'

const bob = { ...user('bob'), scopes: ['approvals:write'] }

export function approval(runId: string, changes: Partial<StoredApproval> = {}): StoredApproval {
  return {
    id: newId('apr'),
    runId,
    sessionId: 'ses_1',
    userId: 'alice',
    status: 'pending',
    source: { type: 'agent', id: 'support', name: 'Sup\0port' },
    approvalType: 'required',
    pauseType: 'confirmation',
    toolName: 'pay',
    toolArgs: { amount: 7, text: '\0\uD800' },
    toolNames: ['pay'],
    requirements: [],
    createdAt: T0 + 1,
    updatedAt: T0 + 1,
    ...changes,
  }
}

export function delivery(runId: string, changes: Partial<Delivery> = {}): Delivery {
  const url = 'https://example.com/hook'
  return { id: newId('msg'), type: 'run.paused', url, secretRef: 'default', runId, occurredAt: T0, ...changes }
}

/** A run that waits for this approval. */
async function paused(storage: Storage, changes: Partial<StoredApproval> = {}): Promise<StoredApproval> {
  const { runId } = await accept(storage, { concurrency: 'allow', run: { userId: 'alice' } })
  const made = approval(runId, changes)
  const end = { status: 'paused', usage: {}, approval: made } as const
  assertSame(await storage.runs.append(ending(runId, 'paused', { end })), { outcome: 'committed' })
  return made
}

function resolution(status: 'approved' | 'rejected', by: string) {
  return { status, resolvedBy: by, at: T0 + 5, continuesRun: false, deliveries: [] } as const
}

export const approvalCases: Cases = {
  'comes with the segment that pauses its run, or not at all': async (storage) => {
    const made = await paused(storage)
    const stored = await storage.approvals.get(fullCaller, made.id)
    assertSame(stored, { ...made, runStatus: 'paused' })
    const other = approval(made.runId)
    const late = ending(made.runId, 'paused', {
      segment: segment(2, 2, 9),
      end: { status: 'paused', usage: {}, approval: other },
    })
    assertSame(await storage.runs.append(late), { outcome: 'lease_lost' })
    assert.equal(await storage.approvals.get(fullCaller, other.id), undefined)
  },

  'is stored once when the segment is asked for twice': async (storage) => {
    const { runId } = await accept(storage)
    const unit = ending(runId, 'paused', { end: { status: 'paused', usage: {}, approval: approval(runId) } })
    for (let time = 0; time < 2; time++) assert.equal((await storage.runs.append(unit)).outcome, 'committed')
    assert.equal(await storage.approvals.count(fullCaller, { sourceIds: [] }), 1)
  },

  'is resolved by one of many': async (storage) => {
    const { id } = await paused(storage)
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        storage.approvals.resolve(fullCaller, id, resolution('approved', `r${at}`)),
      ),
    )
    const winner = all.indexOf(true)
    assert.equal(all.filter(Boolean).length, 1)
    const stored = await storage.approvals.get(fullCaller, id)
    assertSame([stored?.status, stored?.resolvedBy, stored?.resolvedAt], ['approved', `r${winner}`, T0 + 5])
  },

  'expires once, and can not be resolved then': async (storage) => {
    const terms = { expiresAt: T0 + 3, onExpiry: 'reject' } as const
    const { id } = await paused(storage, { terms })
    assert.deepEqual(await storage.approvals.overdue(T0 + 2, 10), [])
    assert.equal(await storage.approvals.resolve(fullCaller, id, resolution('approved', 'bob')), false)
    assert.deepEqual(
      (await storage.approvals.overdue(T0 + 3, 10)).map((one) => one.id),
      [id],
    )
    const expired = await Promise.all([1, 2, 3].map(() => storage.approvals.expire(id, 'expired', T0 + 4, [])))
    assert.equal(expired.filter(Boolean).length, 1)
    assert.deepEqual(await storage.approvals.overdue(T0 + 9, 10), [])
    assert.equal((await storage.approvals.get(fullCaller, id))?.status, 'expired')
  },

  'waits on after its time where it says so': async (storage) => {
    const { id } = await paused(storage, { terms: { expiresAt: T0 + 3, onExpiry: 'wait' } })
    assert.equal(await storage.approvals.expire(id, 'pending', T0 + 4, []), true)
    assert.equal(await storage.approvals.expire(id, 'pending', T0 + 4, []), false)
    assert.deepEqual(await storage.approvals.overdue(T0 + 9, 10), [])
    assert.equal(await storage.approvals.resolve(fullCaller, id, resolution('approved', 'bob')), true)
  },

  'is cancelled with its run, unless it was resolved': async (storage) => {
    const pending = await paused(storage)
    const resolved = await paused(storage)
    await storage.approvals.resolve(fullCaller, resolved.id, resolution('rejected', 'bob'))
    for (const { runId } of [pending, resolved]) {
      const head = await storage.runs.requestCancel(fullCaller, runId, T0 + 9)
      const taken = await storage.runs.takeOver(runId, head!.attempt, 'exe_2', T0 + 9)
      const end = { status: 'cancelled', usage: {}, closesApprovals: true } as const
      await storage.runs.append(
        ending(runId, 'cancelled', { segment: segment(2, 2, taken!.head.attempt), at: T0 + 9, end }),
      )
    }
    const statuses = [pending, resolved].map(async ({ id }) => (await storage.approvals.get(fullCaller, id))?.status)
    assert.deepEqual(await Promise.all(statuses), ['cancelled', 'rejected'])
  },

  'goes with the leg that its decision begins; its run does not go on by itself then': async (storage) => {
    const { id, runId } = await paused(storage)
    const wanted = { ...resolution('approved', 'bob'), continuesRun: true }
    await storage.approvals.resolve(fullCaller, id, wanted)
    assertSame(await storage.approvals.toContinue(10), [{ id, runId }])
    const audit = approval(runId, { approvalType: 'audit', status: 'approved', resolvedAt: T0 })
    const reopened = await storage.runs.reopen({
      runId,
      attempt: 1,
      executorId: 'exe_2',
      mode: 'plain',
      segment: segment(2, 2, 2),
      at: T0 + 7,
      appliesApprovals: true,
      audits: [audit],
    })
    assert.equal(reopened, true)
    assert.deepEqual(await storage.approvals.toContinue(10), [])
    const stored = await storage.approvals.get(fullCaller, id)
    assertSame([stored?.appliedAt, stored?.runStatus], [T0 + 7, 'running'])
    assert.equal((await storage.approvals.get(fullCaller, audit.id))?.approvalType, 'audit')
  },

  'is there for its own user, and for whoever may resolve any': async (storage) => {
    const { id } = await paused(storage)
    const none = { sourceIds: [] }
    for (const [caller, count] of [
      [user('alice'), 1],
      [user('carol'), 0],
      [user(undefined), 0],
      [bob, 1],
      [fullCaller, 1],
    ] as const) {
      assert.equal(Number((await storage.approvals.get(caller, id)) !== undefined), count)
      assert.equal(await storage.approvals.count(caller, none), count)
      assert.equal((await storage.approvals.list(caller, none, { limit: 10, page: 1 })).data.length, count)
    }
    assert.equal(await storage.approvals.resolve(user('carol'), id, resolution('approved', 'carol')), false)
    assert.equal(await storage.approvals.delete(user('carol'), id), false)
  },

  'is removed when it is not pending': async (storage) => {
    const { id } = await paused(storage)
    assert.equal(await storage.approvals.delete(fullCaller, id), false)
    await storage.approvals.resolve(fullCaller, id, resolution('rejected', 'bob'))
    assert.equal(await storage.approvals.delete(fullCaller, id), true)
    assert.equal(await storage.approvals.get(fullCaller, id), undefined)
  },

  'is closed, and kept, when its session is deleted': async (storage) => {
    const { id } = await paused(storage)
    await storage.sessions.delete(fullCaller, ['ses_1'])
    assertSame((await storage.approvals.get(fullCaller, id))?.status, 'cancelled')
    assertSame((await storage.approvals.get(fullCaller, id))?.runStatus, undefined)
  },
}
