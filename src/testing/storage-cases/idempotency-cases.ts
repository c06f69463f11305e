import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import { accept, assertRefused, T0, unit, type Cases } from './case.js'

const key = { scope: 'ann POST /runs', key: 'k-1', fingerprint: 'f-1', expiresAt: T0 + 1000 }

export const idempotencyCases: Cases = {
  'tells the run that the same request became': async (storage) => {
    const { runId } = await accept(storage, { idempotency: key })
    const again = await storage.runs.accept(fullCaller, unit({ idempotency: key }))
    assert.deepEqual(again, { outcome: 'repeated', runId })
    assert.deepEqual(await storage.runs.active('ses_1'), [runId])
  },

  'refuses the key with another request': async (storage) => {
    await accept(storage, { idempotency: key })
    const other = unit({ idempotency: { ...key, fingerprint: 'f-2' } })
    await assertRefused(storage.runs.accept(fullCaller, other), 'IDEMPOTENCY_KEY_REUSED')
  },

  'keeps scopes apart': async (storage) => {
    await accept(storage, { idempotency: key })
    const other = await accept(storage, { idempotency: { ...key, scope: 'bob POST /runs', fingerprint: 'f-2' } })
    assert.equal(other.outcome, 'pending')
  },

  'forgets a key that has expired': async (storage) => {
    await accept(storage, { idempotency: key })
    const later = { ...key, fingerprint: 'f-2', expiresAt: T0 + 9000 }
    const { runId } = await accept(storage, { idempotency: later, run: { createdAt: T0 + 1000 } })
    const again = await storage.runs.accept(fullCaller, unit({ idempotency: later, run: { createdAt: T0 + 2000 } }))
    assert.deepEqual(again, { outcome: 'repeated', runId })
  },

  'leaves the key free when the run was refused': async (storage) => {
    await accept(storage)
    const refused = unit({ concurrency: 'reject', idempotency: key })
    await assertRefused(storage.runs.accept(fullCaller, refused), 'SESSION_BUSY')
    assert.equal((await accept(storage, { idempotency: key })).outcome, 'pending')
  },

  'makes one run of 50 requests at once': async (storage) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        storage.runs.accept(fullCaller, unit({ idempotency: key, run: { sessionId: `ses_${at}` } })),
      ),
    )
    assert.equal(answers.filter(({ outcome }) => outcome === 'running').length, 1)
    const repeated = new Set(answers.flatMap((answer) => (answer.outcome === 'repeated' ? [answer.runId] : [])))
    assert.equal(repeated.size, 1)
    assert.equal((await storage.runs.list(fullCaller, { limit: 100 })).totalCount, 1)
  },
}
