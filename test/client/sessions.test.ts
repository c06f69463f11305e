import { describe, expect, it } from 'vitest'
import { testAgentOS } from '../support/agent-os.js'
import { served } from './support.js'

const agentId = 'my-agent'

describe('sessions', () => {
  it('are created, read, changed and deleted', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const sessionState = { cart_items: [{ itemName: 'tea' }] }
    const created = await client.sessions.create({ sessionId: 'a b/c?ü', agentId, userId: 'alice', sessionState })
    expect(created).toEqual(JSON.parse(JSON.stringify(await agentOS.sessions.get('a b/c?ü'))))
    expect(created).toMatchObject({ agentSessionId: 'a b/c?ü', sessionState })

    const renamed = await client.sessions.rename('a b/c?ü', 'Order 7', { type: 'agent' })
    expect(renamed.sessionName).toBe('Order 7')
    const changed = await client.sessions.update(
      'a b/c?ü',
      { metadata: { someKey: 1 }, sessionState: null, summary: { summary: 'Tea.', topics: ['tea'] } },
      { ifUpdatedAt: renamed.updatedAt },
    )
    expect(changed).toMatchObject({ metadata: { someKey: 1 }, sessionSummary: { summary: 'Tea.', topics: ['tea'] } })
    const stale = client.sessions.update('a b/c?ü', { sessionName: 'x' }, { ifUpdatedAt: renamed.updatedAt })
    await expect(stale).rejects.toMatchObject({ status: 409, code: 'SESSION_CHANGED' })

    await client.sessions.delete('a b/c?ü')
    await expect(client.sessions.get('a b/c?ü')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })

  it('are listed, by page and by cursor', async () => {
    const { client } = await served(testAgentOS())
    for (const sessionId of ['s1', 's2', 's3']) await client.sessions.create({ sessionId, agentId })
    const first = await client.sessions.list({ limit: 2, sortBy: 'created_at', sortOrder: 'asc' })
    expect(first.data.map(({ sessionId }) => sessionId)).toEqual(['s1', 's2'])
    expect(first.meta).toMatchObject({ totalCount: 3, totalPages: 2 })
    const second = await client.sessions.list({
      limit: 2,
      sortBy: 'created_at',
      sortOrder: 'asc',
      cursor: first.meta.nextCursor,
    })
    expect(second.data.map(({ sessionId, sessionType }) => [sessionId, sessionType])).toEqual([['s3', 'agent']])
    expect(await client.sessions.deleteMany({ sessionIds: ['s1', 's2', 'none'] })).toBe(2)
    expect((await client.sessions.list()).meta.totalCount).toBe(1)
  })

  it('are copied with their runs', async () => {
    const { client } = await served(testAgentOS())
    const run = await client.runs.create({ agentId, message: 'Hello', sessionId: 'größer/1' })
    const { sessionId, forkedFromSessionId } = await client.sessions.fork('größer/1', { agentId })
    expect(forkedFromSessionId).toBe('größer/1')
    const { data } = await client.sessions.runs(sessionId)
    expect(data).toMatchObject([{ runInput: 'Hello', content: 'Hello!' }])
    expect(data[0]!.runId).not.toBe(run.runId)
    await expect(client.sessions.fork('none', { agentId })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  })

  it('have their runs and what was said', async () => {
    const agentOS = testAgentOS()
    const { client } = await served(agentOS)
    const run = await client.runs.create({ agentId, message: 'Hello', sessionId: 'thread' })
    const { data, totalCount } = await client.sessions.runs('thread', { statuses: ['completed'], include: [] })
    expect(totalCount).toBe(1)
    expect(data[0]).toMatchObject({ runId: run.runId, runInput: 'Hello', content: 'Hello!', runResponseFormat: 'text' })
    expect(data[0]).not.toHaveProperty('messages')
    const row = await client.sessions.run('thread', run.runId)
    expect(await agentOS.sessions.run('thread', run.runId)).toMatchObject(row)
    const session = await client.sessions.get('thread', { historyLimit: 1 })
    expect('chatHistory' in session && session.chatHistory).toMatchObject([{ role: 'assistant', content: 'Hello!' }])
    await expect(client.sessions.get('thread', { dbId: 'other' })).rejects.toMatchObject({ code: 'DATABASE_NOT_FOUND' })
  })
})
