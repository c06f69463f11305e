import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { plainAgent } from '../support/plain-agent.js'
import { scopedCaller, serve, userCaller } from '../support/served-os.js'

let os: ReturnType<typeof serve>
beforeEach(() => void (os = serve()))
afterEach(() => os.close())

const alice = scopedCaller('alice')
const bob = scopedCaller('bob')
const refusal = (code: string, status: number) => expect.objectContaining({ code, status })
const notFound = refusal('SESSION_NOT_FOUND', 404)

describe('create', () => {
  it('keeps what it was given and makes up the rest', async () => {
    const made = await os.sessions.create(fullCaller)
    expect(made).toEqual({
      sessionId: expect.stringMatching(/^ses_[0-9a-f-]{36}$/),
      agentSessionId: made.sessionId,
      sessionName: '',
      agentId: '',
      sessionState: {},
      chatHistory: [],
      createdAt: '2026-04-24T20:15:00Z',
      updatedAt: '2026-04-24T20:15:00.000Z',
    })
    const given = {
      sessionId: 'thread-42',
      sessionName: ' Orders\n ',
      sessionState: { a: { camelCase: '\u0000' }, ['__proto__']: 1 },
      metadata: {},
      userId: 'alice',
      agentId: 'support',
    }
    const created = await os.sessions.create(fullCaller, given)
    expect(created).toMatchObject({ ...given, agentSessionId: 'thread-42', agentData: { agent_id: 'support' } })
    expect(await os.sessions.get(fullCaller, 'thread-42')).toEqual(created)
  })

  it('takes the form of its type', async () => {
    const team = await os.sessions.create(fullCaller, { type: 'team', teamId: 'crew' })
    expect(team).toMatchObject({ teamId: 'crew', teamData: { team_id: 'crew' }, chatHistory: [] })
    expect(team).not.toHaveProperty('agentId')
    const workflow = await os.sessions.create(fullCaller, { type: 'workflow' })
    expect(workflow).toMatchObject({ workflowId: '' })
    for (const key of ['agentId', 'teamId', 'chatHistory', 'metrics']) expect(workflow).not.toHaveProperty(key)
  })

  it('refuses a component of another kind', async () => {
    await expect(os.sessions.create(fullCaller, { type: 'team', agentId: 'support' })).rejects.toThrow(
      refusal('COMPONENT_TYPE_MISMATCH', 422),
    )
  })

  it('refuses a taken id, whoever has it, and changes nothing', async () => {
    await os.sessions.create(alice, { sessionId: 'mine', sessionName: 'First' })
    for (const caller of [alice, bob, fullCaller]) {
      const again = os.sessions.create(caller, { sessionId: 'mine', type: 'team', sessionName: 'Second' })
      await expect(again).rejects.toThrow(refusal('SESSION_EXISTS', 409))
    }
    expect(await os.sessions.get(alice, 'mine')).toMatchObject({ sessionName: 'First', agentId: '' })
  })

  it('lets one of many that want the same id have it', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => os.sessions.create(fullCaller, { sessionId: 'wanted' })),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('belongs to the caller, or to whom the caller may act for', async () => {
    expect(await os.sessions.create(alice)).toMatchObject({ userId: 'alice' })
    expect(await os.sessions.create(userCaller('carol'))).toMatchObject({ userId: 'carol' })
    expect(await os.sessions.create(userCaller('carol'), { userId: 'dave' })).toMatchObject({ userId: 'dave' })
    await expect(os.sessions.create(alice, { userId: 'bob' })).rejects.toThrow(refusal('USER_MISMATCH', 403))
    await expect(os.sessions.create(fullCaller, { userId: 'sa:ci' })).rejects.toThrow(
      refusal('RESERVED_PRINCIPAL', 403),
    )
  })

  it('checks what code gives it as it checks what comes over HTTP', async () => {
    for (const bad of [
      { sessionId: '' },
      { sessionId: 'a\nb' },
      { sessionName: 'x'.repeat(256) },
      { userId: '\ud800' },
    ]) {
      await expect(os.sessions.create(fullCaller, bad)).rejects.toThrow(refusal('VALIDATION_ERROR', 422))
    }
  })
})

describe('get', () => {
  it('finds only what the caller may see, and what the selection fits', async () => {
    await os.sessions.create(alice, { sessionId: 'mine' })
    await os.sessions.create(fullCaller, { sessionId: 'nobodys' })
    expect(await os.sessions.get(fullCaller, 'mine', { userId: 'alice', type: 'agent' })).toMatchObject({
      userId: 'alice',
    })
    for (const find of [
      os.sessions.get(bob, 'mine'),
      os.sessions.get(alice, 'nobodys'),
      os.sessions.get(fullCaller, 'mine', { type: 'team' }),
      os.sessions.get(fullCaller, 'mine', { userId: 'bob' }),
      os.sessions.get(fullCaller, 'other'),
    ]) {
      await expect(find).rejects.toThrow(notFound)
    }
    await expect(os.sessions.get(bob, 'mine', { userId: 'alice' })).rejects.toThrow(refusal('USER_MISMATCH', 403))
  })

  it('holds what was said, the newest part of it, without what only the model sees', async () => {
    for (const message of ['one', 'two', 'three']) {
      await os.runs.create(alice, { agentId: 'support', sessionId: 'thread', message })
    }
    const said = async (historyLimit?: number) => {
      const session = await os.sessions.get(alice, 'thread', { historyLimit })
      return 'chatHistory' in session
        ? session.chatHistory?.map(({ role, content }) => `${role}: ${String(content)}`)
        : []
    }
    const answer = 'assistant: On its way.'
    expect(await said()).toEqual(['user: one', answer, 'user: two', answer, 'user: three', answer])
    expect(await said(3)).toEqual([answer, 'user: three', answer])
    expect(await said(0)).toEqual([])
    const bound = await os.sessions.get(alice, 'thread')
    expect(bound).toMatchObject({
      sessionName: 'one',
      agentId: 'support',
      agentData: { agent_id: 'support', name: 'Support' },
    })
  })
})

describe('list', () => {
  const ids = async (caller: Parameters<typeof os.sessions.list>[0], filter?: Parameters<typeof os.sessions.list>[1]) =>
    (await os.sessions.list(caller, filter)).data.map(({ sessionId }) => sessionId)

  beforeEach(async () => {
    await os.sessions.create(fullCaller, {
      sessionId: 'a',
      sessionName: 'Zebra 100%',
      userId: 'alice',
      agentId: 'support',
    })
    await os.sessions.create(fullCaller, { sessionId: 'b', sessionName: 'apple_pie', userId: 'bob', type: 'team' })
    await os.sessions.create(fullCaller, { sessionId: 'c', sessionName: 'Apple', userId: 'alice', type: 'workflow' })
    await os.sessions.rename(fullCaller, 'a', 'Zebra 100%')
  })

  it('is the newest first, with what a list needs of each', async () => {
    const { data, meta } = await os.sessions.list(fullCaller)
    expect(data.map(({ sessionId }) => sessionId)).toEqual(['c', 'b', 'a'])
    expect(data[2]).toEqual({
      sessionId: 'a',
      sessionName: 'Zebra 100%',
      sessionType: 'agent',
      userId: 'alice',
      agentId: 'support',
      sessionState: {},
      createdAt: '2026-04-24T20:15:00Z',
      updatedAt: expect.stringMatching(/Z$/),
    })
    expect(meta).toMatchObject({ page: 1, limit: 20, totalCount: 3, totalPages: 1, searchTimeMs: expect.any(Number) })
  })

  it('filters', async () => {
    expect(await ids(fullCaller, { type: 'team' })).toEqual(['b'])
    expect(await ids(fullCaller, { componentId: 'support' })).toEqual(['a'])
    expect(await ids(fullCaller, { userId: 'alice' })).toEqual(['c', 'a'])
    expect(await ids(fullCaller, { sessionName: 'APPLE' })).toEqual(['c', 'b'])
    expect(await ids(fullCaller, { sessionName: '%' })).toEqual(['a'])
    expect(await ids(fullCaller, { sessionName: '_' })).toEqual(['b'])
  })

  it('sorts', async () => {
    expect(await ids(fullCaller, { sortBy: 'updated_at' })).toEqual(['a', 'c', 'b'])
    expect(await ids(fullCaller, { sortBy: 'created_at', sortOrder: 'asc' })).toEqual(['a', 'b', 'c'])
    expect((await ids(fullCaller, { sortBy: 'session_name', sortOrder: 'desc' }))[0]).toBe('a')
  })

  it('pages by number and by cursor, and counts all', async () => {
    const first = await os.sessions.list(fullCaller, { limit: 2 })
    expect(first.meta).toMatchObject({ page: 1, totalCount: 3, totalPages: 2, nextCursor: expect.any(String) })
    expect(await ids(fullCaller, { limit: 2, page: 2 })).toEqual(['a'])
    const next = await os.sessions.list(fullCaller, { limit: 2, cursor: first.meta.nextCursor })
    expect(next.data.map(({ sessionId }) => sessionId)).toEqual(['a'])
    expect(next.meta.page).toBe(0)
    expect(next.meta.nextCursor).toBeUndefined()
  })

  it('shows and counts nothing of others to a caller that sees its own rows only', async () => {
    const mine = await os.sessions.list(alice)
    expect(mine.data.map(({ sessionId }) => sessionId)).toEqual(['c', 'a'])
    expect(mine.meta.totalCount).toBe(2)
    expect(await ids(alice, { userId: 'alice' })).toEqual(['c', 'a'])
    await expect(os.sessions.list(alice, { userId: 'bob' })).rejects.toThrow(refusal('USER_MISMATCH', 403))
  })
})

describe('update', () => {
  beforeEach(async () => {
    await os.sessions.create(alice, { sessionId: 'mine', sessionName: 'A', sessionState: { a: 1 }, metadata: { b: 2 } })
  })

  it('replaces what is named, clears what is null, and leaves the rest', async () => {
    const changed = await os.sessions.update(alice, 'mine', {
      sessionState: { c: 3 },
      metadata: null,
      summary: { summary: 'All about orders.', topics: ['orders'] },
    })
    expect(changed).toMatchObject({
      sessionName: 'A',
      sessionState: { c: 3 },
      sessionSummary: {
        summary: 'All about orders.',
        topics: ['orders'],
        updatedAt: expect.stringMatching(/\+00:00$/),
      },
    })
    expect(changed).not.toHaveProperty('metadata')
    expect(await os.sessions.get(alice, 'mine')).toEqual(changed)
    const cleared = await os.sessions.update(alice, 'mine', { sessionName: null, sessionState: null, summary: null })
    expect(cleared).toMatchObject({ sessionName: '', sessionState: {} })
    expect(cleared).not.toHaveProperty('sessionSummary')
  })

  it('refuses an empty change, and a field that does not exist', async () => {
    const invalid = refusal('VALIDATION_ERROR', 422)
    await expect(os.sessions.update(alice, 'mine', {})).rejects.toThrow(invalid)
    const typo = { metdata: {} } as object
    await expect(os.sessions.update(alice, 'mine', typo)).rejects.toThrow(invalid)
  })

  it('refuses a summary for the session of a workflow', async () => {
    await os.sessions.create(alice, { sessionId: 'flow', type: 'workflow' })
    const update = os.sessions.update(alice, 'flow', { summary: { summary: 'x' } })
    await expect(update).rejects.toThrow(refusal('VALIDATION_ERROR', 422))
  })

  it('writes nothing when the session has changed since it was read', async () => {
    const { updatedAt } = await os.sessions.get(alice, 'mine')
    const second = await os.sessions.update(alice, 'mine', { metadata: { b: 3 } }, { ifUpdatedAt: updatedAt })
    const late = os.sessions.update(alice, 'mine', { metadata: { b: 4 } }, { ifUpdatedAt: updatedAt })
    await expect(late).rejects.toThrow(refusal('SESSION_CHANGED', 409))
    await expect(os.sessions.update(alice, 'mine', { metadata: {} }, { ifUpdatedAt: 'no time' })).rejects.toThrow(
      refusal('SESSION_CHANGED', 409),
    )
    expect(await os.sessions.get(alice, 'mine')).toEqual(second)
    await expect(os.sessions.update(bob, 'mine', { metadata: {} }, { ifUpdatedAt: updatedAt })).rejects.toThrow(
      notFound,
    )
  })

  it('tells two changes within a millisecond apart', async () => {
    const frozen = os.clock.now()
    os.clock.now = () => frozen
    const first = await os.sessions.update(alice, 'mine', { metadata: { n: 1 } })
    const second = await os.sessions.update(alice, 'mine', { metadata: { n: 2 } })
    expect(second.updatedAt > first.updatedAt).toBe(true)
  })

  it('does not find what is not the caller’s', async () => {
    for (const caller of [bob, fullCaller]) {
      await expect(os.sessions.update(caller, 'mine', { metadata: {} }, { type: 'team' })).rejects.toThrow(notFound)
    }
    await expect(os.sessions.update(bob, 'mine', { metadata: {} })).rejects.toThrow(notFound)
  })
})

describe('rename', () => {
  it('changes the name, trimmed, and nothing else', async () => {
    const before = await os.sessions.create(alice, { sessionId: 'mine', sessionState: { a: 1 } })
    const after = await os.sessions.rename(alice, 'mine', '  Orders ')
    expect(after).toEqual({ ...before, sessionName: 'Orders', updatedAt: after.updatedAt })
    expect(after.updatedAt > before.updatedAt).toBe(true)
    for (const bad of ['', '   ', 'x'.repeat(256)]) {
      await expect(os.sessions.rename(alice, 'mine', bad)).rejects.toThrow(refusal('VALIDATION_ERROR', 422))
    }
    await expect(os.sessions.rename(bob, 'mine', 'Mine')).rejects.toThrow(notFound)
  })
})

describe('runs', () => {
  beforeEach(async () => {
    for (const [at, message] of ['one', 'two', 'three'].entries()) {
      os.clock.advance(60_000)
      await os.runs.create(alice, { agentId: 'support', sessionId: 'thread', runId: `run-${at + 1}`, message })
    }
  })
  const ids = async (filter?: Parameters<typeof os.sessions.runs>[2]) =>
    (await os.sessions.runs(alice, 'thread', filter)).data.map(({ runId }) => runId)

  it('are the newest ones, oldest first; a cursor leads to older ones', async () => {
    expect(await ids()).toEqual(['run-1', 'run-2', 'run-3'])
    const slice = await os.sessions.runs(alice, 'thread', { limit: 2 })
    expect(slice.data.map(({ runId }) => runId)).toEqual(['run-2', 'run-3'])
    expect(slice.totalCount).toBe(3)
    expect(await ids({ limit: 2, cursor: slice.nextCursor })).toEqual(['run-1'])
  })

  it('can be narrowed by state and time, whole seconds included', async () => {
    expect(await ids({ statuses: ['error', 'cancelled'] })).toEqual([])
    expect(await ids({ statuses: ['completed'] })).toHaveLength(3)
    const { data } = await os.sessions.runs(alice, 'thread')
    const second = data[1]!.createdAt
    expect(await ids({ createdAfter: second })).toEqual(['run-2', 'run-3'])
    expect(await ids({ createdBefore: second })).toEqual(['run-1', 'run-2'])
    expect(await ids({ createdAfter: second, createdBefore: second })).toEqual(['run-2'])
    await expect(ids({ createdAfter: '2026-02-01T00:00:00Z', createdBefore: '2026-01-01T00:00:00Z' })).rejects.toThrow(
      refusal('INVALID_RANGE', 422),
    )
    await expect(ids({ createdAfter: 'yesterday' })).rejects.toThrow(refusal('VALIDATION_ERROR', 422))
  })

  it('come with their messages unless others were asked for', async () => {
    const [run] = (await os.sessions.runs(alice, 'thread', { limit: 1 })).data
    expect(run).toMatchObject({ runInput: 'three', content: 'On its way.', agentId: 'support', userId: 'alice' })
    expect(run).toMatchObject({ messages: { length: 4 } })
    expect((await os.sessions.runs(alice, 'thread', { include: ['events'] })).data[0]).not.toHaveProperty('messages')
  })

  it('are none in an empty session, and not there for others', async () => {
    await os.sessions.create(alice, { sessionId: 'empty' })
    expect(await os.sessions.runs(alice, 'empty')).toEqual({ data: [], totalCount: 0 })
    await expect(os.sessions.runs(bob, 'thread')).rejects.toThrow(notFound)
    await expect(os.sessions.runs(alice, 'thread', { type: 'team' })).rejects.toThrow(notFound)
  })

  it('can be asked for one by one, within their session', async () => {
    expect(await os.sessions.run(alice, 'thread', 'run-2')).toMatchObject({ runId: 'run-2', runInput: 'two' })
    await os.sessions.create(alice, { sessionId: 'empty' })
    const runMissing = refusal('RUN_NOT_FOUND', 404)
    await expect(os.sessions.run(alice, 'empty', 'run-2')).rejects.toThrow(runMissing)
    await expect(os.sessions.run(alice, 'thread', 'run-9')).rejects.toThrow(runMissing)
    await expect(os.sessions.run(bob, 'thread', 'run-2')).rejects.toThrow(notFound)
  })
})

describe('delete', () => {
  it('takes the runs along, and is not found a second time', async () => {
    await os.runs.create(alice, { agentId: 'support', sessionId: 'thread', runId: 'run-1', message: 'one' })
    await expect(os.sessions.delete(bob, 'thread')).rejects.toThrow(notFound)
    await expect(os.sessions.delete(alice, 'thread', { type: 'team' })).rejects.toThrow(notFound)
    await os.sessions.delete(alice, 'thread')
    await expect(os.runs.get(alice, 'run-1')).rejects.toThrow(refusal('RUN_NOT_FOUND', 404))
    await expect(os.sessions.delete(alice, 'thread')).rejects.toThrow(notFound)
  })

  it('cancels what runs and what waits, and nothing brings the session back', async () => {
    let open!: () => void
    const gate = new Promise<void>((resolve) => (open = resolve))
    await os.close()
    os = serve({ agents: [plainAgent({ gate })] })
    const started = [1, 2, 3].map((n) =>
      os.runs.create(alice, { agentId: 'support', sessionId: 'thread', runId: `run-${n}`, message: 'wait' }),
    )
    await expect.poll(() => os.storage.runs.active('thread')).toHaveLength(3)
    await os.sessions.delete(alice, 'thread')
    open()
    await Promise.allSettled(started)
    await expect(os.sessions.get(alice, 'thread')).rejects.toThrow(notFound)
    expect(await os.storage.runs.active('thread')).toEqual([])
  })

  it('of several passes over what is not there, not the caller’s, or of another kind', async () => {
    for (const sessionId of ['a', 'b', 'c']) await os.sessions.create(alice, { sessionId })
    await os.sessions.create(bob, { sessionId: 'bobs' })
    expect(await os.sessions.deleteMany(alice, { sessionIds: ['a', 'a', 'bobs', 'nothing'] })).toBe(1)
    const typed = { sessionIds: ['b', 'c'], sessionTypes: ['team' as const, 'agent' as const] }
    expect(await os.sessions.deleteMany(alice, typed)).toBe(1)
    expect(await os.sessions.deleteMany(alice, { sessionIds: ['nothing'] })).toBe(0)
    expect((await os.sessions.list(fullCaller)).data.map(({ sessionId }) => sessionId)).toEqual(['bobs', 'b'])
    await expect(os.sessions.deleteMany(alice, { sessionIds: ['b', 'c'], sessionTypes: ['agent'] })).rejects.toThrow(
      refusal('LENGTH_MISMATCH', 422),
    )
    await expect(os.sessions.deleteMany(alice, { sessionIds: [] })).rejects.toThrow(refusal('VALIDATION_ERROR', 422))
  })

  it('of several cancels nothing in sessions of others', async () => {
    let open!: () => void
    const gate = new Promise<void>((resolve) => (open = resolve))
    await os.close()
    os = serve({ agents: [plainAgent({ gate })] })
    const running = os.runs.create(bob, { agentId: 'support', sessionId: 'bobs', message: 'wait' })
    await expect.poll(() => os.storage.runs.active('bobs')).toHaveLength(1)
    expect(await os.sessions.deleteMany(alice, { sessionIds: ['bobs'] })).toBe(0)
    open()
    expect(await running).toMatchObject({ status: 'completed' })
  })
})
