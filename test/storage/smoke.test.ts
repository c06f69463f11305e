import { mkdtempSync } from 'node:fs'
import { expect, it } from 'vitest'
import { sqlite } from '../../src/storage/index.js'
import { fullCaller } from '../../src/core/caller.js'
import type { AcceptUnit } from '../../src/runs/run-repository.js'

const unit = (n: number): AcceptUnit => ({
  run: {
    runId: 'run_' + n,
    sessionId: 'ses_1',
    component: { kind: 'agent', id: 'a', name: 'A' },
    mode: 'plain',
    request: '{}',
    createdAt: 1000 + n,
  },
  newSession: { name: 'hello', state: { a: 1 } },
  concurrency: 'queue',
  executorId: 'exe',
  maxPending: 10,
  firstSegment: { firstIndex: 0, lastIndex: 0, attempt: 1, format: 1, entries: '[1]' },
})
it.each([':memory:', mkdtempSync('/tmp/st-') + '/a.db'])('works %s', async (path) => {
  const storage = sqlite(path)
  expect(await storage.check()).toEqual({ ready: true })
  console.log(await Promise.all([storage.runs.accept(fullCaller, unit(1)), storage.runs.accept(fullCaller, unit(2))]))
  console.log(
    await storage.runs.append({
      runId: 'run_1',
      segment: { firstIndex: 1, lastIndex: 2, attempt: 1, format: 1, entries: '[2,3]' },
      at: 5000,
      body: '{"x":1}',
      statePatches: [{ set: { b: 2 }, removed: ['a'] }],
      end: { status: 'completed', usage: { inputTokens: 3, cost: 0.5 } },
    }),
  )
  console.log(
    await storage.runs.get(fullCaller, 'run_1'),
    await storage.runs.window('ses_1', 2, 3),
    await storage.runs.list(fullCaller, { limit: 1 }),
  )
  console.log(await storage.sessions.get(fullCaller, 'ses_1'))
  console.log(
    JSON.stringify(
      await storage.sessions.list(fullCaller, {
        sortBy: 'created_at',
        sortOrder: 'desc',
        limit: 1,
        page: 1,
        name: 'HEL',
      }),
    ),
  )
  console.log(await storage.sessions.update(fullCaller, 'ses_1', { name: 'x\0\ud800\\u0041' }, { at: 1 }))
  expect(await storage.runs.isTurn('run_2')).toBe(true)
  expect(await storage.sessions.delete(fullCaller, ['ses_1'])).toBe(1)
  await storage.close()
})
