import assert from 'node:assert/strict'
import type { Caller } from '../../core/caller.js'
import { fullCaller } from '../../core/caller.js'
import { AgentOSError } from '../../core/errors.js'
import { newId } from '../../core/ids.js'
import type { AcceptUnit, Accepted, AppendUnit, Segment } from '../../runs/run-repository.js'
import type { Session } from '../../sessions/session.js'
import type { Storage } from '../../storage/storage.js'

/** Tests by name, each with a storage of its own, and another handle on it as another process would have it. */
export type Cases = Record<string, (storage: Storage, other: Storage) => Promise<void>>

/** A moment that all times here are told from. */
export const T0 = 1_760_000_000_000

/** Somebody who sees only what is theirs. */
export function user(userId: string | undefined): Caller {
  return { kind: 'user', userId, scopes: [], admin: false, scoped: true }
}

export function segment(firstIndex: number, lastIndex = firstIndex, attempt = 1, entries = '[{"n":1}]'): Segment {
  return { firstIndex, lastIndex, attempt, format: 1, entries }
}

type UnitChanges = Partial<Omit<AcceptUnit, 'run'>> & { run?: Partial<AcceptUnit['run']> }

/** A run that asks for nothing special, in session `ses_1`. */
export function unit({ run, ...rest }: UnitChanges = {}): AcceptUnit {
  return {
    newSession: { name: 'hello', state: {} },
    concurrency: 'queue',
    executorId: 'exe_1',
    firstSegment: segment(0),
    maxPending: 1000,
    ...rest,
    run: {
      runId: newId('run'),
      sessionId: 'ses_1',
      component: { kind: 'agent', id: 'support', name: 'Support' },
      mode: 'plain',
      request: '{"input":"hi"}',
      createdAt: T0,
      ...run,
    },
  }
}

/** Accepts a run that must not be a repetition, and tells its id. */
export async function accept(
  storage: Storage,
  changes: UnitChanges = {},
  caller: Caller = fullCaller,
): Promise<Exclude<Accepted, { outcome: 'repeated' }> & { runId: string }> {
  const asked = unit(changes)
  const accepted = await storage.runs.accept(caller, asked)
  assert.notEqual(accepted.outcome, 'repeated')
  return { ...(accepted as Exclude<Accepted, { outcome: 'repeated' }>), runId: asked.run.runId }
}

type EndStatus = NonNullable<AppendUnit['end']>['status']

/** The unit that ends a run which has only its first segment (or none: `firstIndex` 0). */
export function ending(runId: string, status: EndStatus = 'completed', changes: Partial<AppendUnit> = {}): AppendUnit {
  return {
    runId,
    segment: segment(1),
    at: T0 + 1000,
    body: JSON.stringify({ content: `the end of ${runId}` }),
    end: { status, usage: {} },
    ...changes,
  }
}

/** Cancels a run that waits: it is marked, taken over, and ended from outside. */
export async function cancelWaiting(storage: Storage, runId: string): Promise<string | undefined> {
  const head = await storage.runs.requestCancel(fullCaller, runId, T0 + 10)
  assert(head)
  const taken = await storage.runs.takeOver(runId, head.attempt, 'exe_2', T0 + 11)
  assert(taken)
  const first = taken.head.lastIndex + 1
  const end = ending(runId, 'cancelled', { segment: segment(first, first, taken.head.attempt) })
  const appended = await storage.runs.append(end)
  assert.equal(appended.outcome, 'committed')
  return appended.outcome === 'committed' ? appended.next : undefined
}

export function session(changes: Partial<Session> = {}): Session {
  return {
    sessionId: 'ses_1',
    name: 'A session',
    type: 'agent',
    state: {},
    metrics: {},
    createdAt: T0,
    updatedAt: T0,
    ...changes,
  }
}

/** The status that the storage has for a run. */
export async function statusOf(storage: Storage, runId: string): Promise<string | undefined> {
  return (await storage.runs.get(fullCaller, runId))?.head.status
}

export async function assertRefused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof AgentOSError, `expected ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}

/** Equal where keys that hold `undefined` count as absent. */
export function assertSame(actual: unknown, expected: unknown): void {
  assert.deepEqual(withoutUndefined(actual), withoutUndefined(expected))
}

function withoutUndefined(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown)
}

/** The code of an error that was refused with one. */
export function codeOf(error: unknown): string {
  assert(error instanceof AgentOSError, `expected a refusal, got ${String(error)}`)
  return error.code
}
