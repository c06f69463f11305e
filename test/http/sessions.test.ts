import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopedCaller, serve } from '../support/served-os.js'
import type { Answer } from '../support/served-os.js'

let os: ReturnType<typeof serve>
beforeAll(() => void (os = serve()))
afterAll(() => os.close())

const alice = scopedCaller('alice')
const refused = ({ status, body }: Answer) => [status, body.error_code]
let count = 0
const newId = () => `thread-${++count}`
const made = async (body: object = {}, as = alice) => {
  const { body: session } = await os.ask('POST /sessions', { as, body: { session_id: newId(), ...body } })
  return session.session_id as string
}

describe('POST /sessions', () => {
  it('answers 201 with the session, spelled as the contract has it', async () => {
    const body = {
      session_id: newId(),
      session_name: 'Orders',
      session_state: { camelCase: { snake_case: 1 } },
      metadata: { a: null },
      agent_id: 'support',
      unknown_field: 'ignored',
    }
    const answer = await os.ask('POST /sessions', { as: alice, body })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('etag')).toBe(`"${answer.body.updated_at}"`)
    const { unknown_field: _ignored, ...kept } = body
    expect(answer.body).toEqual({
      ...kept,
      agent_session_id: body.session_id,
      user_id: 'alice',
      agent_data: { agent_id: 'support' },
      chat_history: [],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    expect((await os.ask(`GET /sessions/${body.session_id}`, { as: alice })).body).toEqual(answer.body)
  })

  it('needs no body at all', async () => {
    expect(await os.ask('POST /sessions')).toMatchObject({ status: 201, body: { agent_id: '', session_name: '' } })
  })

  it('takes null for what is left out, as AgentOSClient sends it', async () => {
    const body = {
      session_id: null,
      user_id: null,
      session_name: null,
      session_state: null,
      metadata: null,
      agent_id: 'support',
      team_id: null,
      workflow_id: null,
    }
    const { status, body: session } = await os.ask('POST /sessions?type=agent', { as: alice, body })
    expect([status, session.user_id, session.session_name, session.session_state]).toEqual([201, 'alice', '', {}])
    expect(session).not.toHaveProperty('metadata')
  })

  it('makes the type that the query names, in any case', async () => {
    expect((await os.ask('POST /sessions?type=TEAM', { body: { team_id: 'crew' } })).body).toMatchObject({
      team_id: 'crew',
      team_data: { team_id: 'crew' },
    })
    expect((await os.ask('POST /sessions?type=workflow', { body: {} })).body).toMatchObject({ workflow_id: '' })
  })

  it('takes the user from the query too', async () => {
    expect((await os.ask('POST /sessions?user_id=carol', { body: {} })).body.user_id).toBe('carol')
    expect((await os.ask('POST /sessions?user_id=carol', { body: { user_id: 'dave' } })).body.user_id).toBe('dave')
  })

  it('refuses what it can’t do, with the code for it', async () => {
    const taken = await made()
    const post = async (body: object, query = '') =>
      refused(await os.ask(`POST /sessions${query}`, { as: alice, body }))
    expect(await post({ session_id: taken })).toEqual([409, 'SESSION_EXISTS'])
    expect(await post({ team_id: 'crew' })).toEqual([422, 'COMPONENT_TYPE_MISMATCH'])
    expect(await post({ user_id: 'bob' })).toEqual([403, 'USER_MISMATCH'])
    expect(await post({ user_id: 'sa:ci' })).toEqual([403, 'RESERVED_PRINCIPAL'])
    expect(await post({ user_id: '__scheduler__' })).toEqual([403, 'RESERVED_PRINCIPAL'])
    expect(await post({}, '?type=robot')).toEqual([422, 'VALIDATION_ERROR'])
    for (const bad of [{ session_id: '' }, { session_id: 'x'.repeat(256) }, { session_state: [] }, { metadata: 'x' }]) {
      expect(await post(bad)).toEqual([422, 'VALIDATION_ERROR'])
    }
  })
})

describe('GET /sessions', () => {
  it('answers a page with its meta', async () => {
    const as = scopedCaller('lister')
    for (const session_name of ['One', 'Two', 'Three']) await made({ session_name }, as)
    const first = await os.ask('GET /sessions?limit=2', { as })
    expect(first.body.data.map((one: { session_name: string }) => one.session_name)).toEqual(['Three', 'Two'])
    expect(first.body.data[0]).toEqual({
      session_id: expect.any(String),
      session_name: 'Three',
      session_type: 'agent',
      user_id: 'lister',
      session_state: {},
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    expect(first.body.meta).toEqual({
      page: 1,
      limit: 2,
      total_count: 3,
      total_pages: 2,
      search_time_ms: expect.any(Number),
      next_cursor: expect.any(String),
    })
    const next = await os.ask(`GET /sessions?limit=2&cursor=${first.body.meta.next_cursor}`, { as })
    expect(next.body).toMatchObject({ data: [{ session_name: 'One' }], meta: { page: 0, limit: 2, total_count: 3 } })
    const named = await os.ask('GET /sessions?session_name=T&sort_by=session_name&sort_order=ASC', { as })
    expect(named.body.data.map((one: { session_name: string }) => one.session_name)).toEqual(['Three', 'Two'])
  })

  it.each([
    ['sort_by=name', 'INVALID_SORT'],
    ['sort_order=up', 'VALIDATION_ERROR'],
    ['page=0', 'VALIDATION_ERROR'],
    ['limit=0', 'VALIDATION_ERROR'],
    ['limit=1001', 'VALIDATION_ERROR'],
    ['page=11&limit=1000', 'VALIDATION_ERROR'],
    ['cursor=nonsense', 'VALIDATION_ERROR'],
    ['type=robot', 'VALIDATION_ERROR'],
    ['sesion_name=typo', 'VALIDATION_ERROR'],
  ])('refuses ?%s', async (query, code) => {
    expect(refused(await os.ask(`GET /sessions?${query}`))).toEqual([422, code])
  })

  it('refuses to show others’ sessions', async () => {
    expect(refused(await os.ask('GET /sessions?user_id=bob', { as: alice }))).toEqual([403, 'USER_MISMATCH'])
    expect(refused(await os.ask('GET /sessions?user_id=sa:ci'))).toEqual([403, 'RESERVED_PRINCIPAL'])
  })
})

describe('the database and the table', () => {
  it.each(['GET /sessions', 'GET /sessions/x', 'GET /sessions/x/runs', 'GET /sessions/x/runs/y', 'DELETE /sessions/x'])(
    'that are not there are told on %s',
    async (line) => {
      expect(refused(await os.ask(`${line}?table=t`))).toEqual([400, 'DB_ID_REQUIRED'])
      expect(refused(await os.ask(`${line}?db_id=other`))).toEqual([404, 'DATABASE_NOT_FOUND'])
      expect(refused(await os.ask(`${line}?db_id=${os.storage.id}&table=other`))).toEqual([404, 'TABLE_NOT_FOUND'])
    },
  )

  it('that are there may be named', async () => {
    const { id, tables } = os.storage
    const answer = await os.ask(`GET /sessions?db_id=${encodeURIComponent(id)}&table=${tables.sessions}`)
    expect(answer.status).toBe(200)
  })
})

describe('GET /sessions/{session_id}', () => {
  it('answers 404 with the same body for what is not there and what is somebody else’s', async () => {
    const mine = await made()
    const bob = scopedCaller('bob')
    const foreign = await os.ask(`GET /sessions/${mine}`, { as: bob })
    const missing = await os.ask('GET /sessions/nothing', { as: bob })
    expect(refused(foreign)).toEqual([404, 'SESSION_NOT_FOUND'])
    const text = (answer: Answer, id: string) => answer.body.detail.replace(id, '…')
    expect(text(foreign, mine)).toBe(text(missing, 'nothing'))
  })

  it('narrows by type and user, and limits the history', async () => {
    const id = await made()
    await os.runs.create(alice, { agentId: 'support', sessionId: id, message: 'Hi' })
    const { body } = await os.ask(`GET /sessions/${id}?type=agent&user_id=alice&history_limit=1`)
    expect(body.chat_history).toEqual([
      {
        id: expect.any(String),
        role: 'assistant',
        content: 'On its way.',
        from_history: false,
        stop_after_tool_call: false,
        created_at: expect.any(Number),
      },
    ])
    expect(refused(await os.ask(`GET /sessions/${id}?type=team`))).toEqual([404, 'SESSION_NOT_FOUND'])
    expect(refused(await os.ask(`GET /sessions/${id}?user_id=bob`))).toEqual([404, 'SESSION_NOT_FOUND'])
    expect(refused(await os.ask(`GET /sessions/${id}?history_limit=1001`))).toEqual([422, 'VALIDATION_ERROR'])
  })
})

describe('GET /sessions/{session_id}/runs', () => {
  it('answers a bare array that pages by headers', async () => {
    const id = await made()
    for (const message of ['one', 'two', 'three']) {
      await os.runs.create(alice, { agentId: 'support', sessionId: id, message })
    }
    const newest = await os.ask(`GET /sessions/${id}/runs?limit=2&status=COMPLETED,error`, { as: alice })
    expect(newest.body.map((run: { run_input: string }) => run.run_input)).toEqual(['two', 'three'])
    expect(newest.body[0]).toMatchObject({
      run_id: expect.stringMatching(/^run_/),
      agent_id: 'support',
      user_id: 'alice',
      status: 'completed',
      content: 'On its way.',
      run_response_format: 'text',
      messages: expect.any(Array),
    })
    for (const key of ['team_id', 'team_name', 'workflow_id', 'agent_name', 'session_id']) {
      expect(newest.body[0]).not.toHaveProperty(key)
    }
    expect(newest.headers.get('x-total-count')).toBe('3')
    const cursor = newest.headers.get('x-next-cursor')
    const older = await os.ask(`GET /sessions/${id}/runs?limit=2&include=events&cursor=${cursor}`, { as: alice })
    expect(older.body).toHaveLength(1)
    expect(older.body[0]).not.toHaveProperty('messages')
    expect(older.headers.has('x-next-cursor')).toBe(false)
    const run = older.body[0].run_id as string
    const one = await os.ask(`GET /sessions/${id}/runs/${run}`, { as: alice })
    expect(one).toMatchObject({ status: 200, body: { run_id: run, run_input: 'one' } })
    expect(refused(await os.ask(`GET /sessions/${id}/runs/nothing`))).toEqual([404, 'RUN_NOT_FOUND'])
    expect(refused(await os.ask(`GET /sessions/${await made()}/runs/${run}`))).toEqual([404, 'RUN_NOT_FOUND'])
  })

  it('is [] in an empty session, 404 in none', async () => {
    expect((await os.ask(`GET /sessions/${await made()}/runs`)).body).toEqual([])
    expect(refused(await os.ask('GET /sessions/nothing/runs'))).toEqual([404, 'SESSION_NOT_FOUND'])
  })

  it('reads times as epoch seconds and as ISO 8601', async () => {
    const id = await made()
    await os.runs.create(alice, { agentId: 'support', sessionId: id, message: 'Hi' })
    const [{ created_at: at }] = (await os.ask(`GET /sessions/${id}/runs`)).body
    const seconds = Date.parse(at) / 1000
    const found = async (query: string) => (await os.ask(`GET /sessions/${id}/runs?${query}`)).body.length
    expect(await found(`created_after=${seconds}&created_before=${seconds}`)).toBe(1)
    expect(await found(`created_after=${at}&created_before=${at}`)).toBe(1)
    expect(await found(`created_after=${seconds + 1}`)).toBe(0)
    expect(await found(`created_before=${seconds - 1}`)).toBe(0)
  })

  it.each([
    ['created_after=2&created_before=1', 'INVALID_RANGE'],
    ['created_after=soon', 'VALIDATION_ERROR'],
    ['status=done', 'INVALID_STATUS'],
    ['include=tools', 'VALIDATION_ERROR'],
    ['limit=1001', 'VALIDATION_ERROR'],
    ['page=1', 'VALIDATION_ERROR'],
  ])('refuses ?%s', async (query, code) => {
    expect(refused(await os.ask(`GET /sessions/${await made()}/runs?${query}`))).toEqual([422, code])
  })
})

describe('PATCH /sessions/{session_id}', () => {
  it('replaces, clears and keeps, and answers with a new version', async () => {
    const id = await made({ session_name: 'A', metadata: { b: 1 } })
    const before = await os.ask(`GET /sessions/${id}`)
    const body = { metadata: null, session_state: { order_id: 8 }, summary: { summary: 'Orders.', topics: ['orders'] } }
    const after = await os.ask(`PATCH /sessions/${id}`, { as: alice, body })
    expect(after.body).toMatchObject({
      session_name: 'A',
      session_state: { order_id: 8 },
      session_summary: { ...body.summary, updated_at: expect.stringMatching(/\+00:00$/) },
    })
    expect(after.body).not.toHaveProperty('metadata')
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
    expect((await os.ask(`GET /sessions/${id}`)).body).toEqual(after.body)
  })

  it('writes nothing when If-Match is not the version that is there', async () => {
    const id = await made()
    const patch = (ifMatch: string) =>
      os.ask(`PATCH /sessions/${id}`, { body: { session_name: ifMatch }, headers: { 'if-match': ifMatch } })
    const etag = (await os.ask(`GET /sessions/${id}`)).headers.get('etag')!
    expect((await patch(etag)).status).toBe(200)
    expect(refused(await patch(etag))).toEqual([409, 'SESSION_CHANGED'])
    expect(refused(await patch('"nonsense"'))).toEqual([409, 'SESSION_CHANGED'])
    expect((await patch('*')).body.session_name).toBe('*')
  })

  it('refuses empty bodies, unknown keys and wrong types', async () => {
    const id = await made()
    const patch = async (body: unknown) => refused(await os.ask(`PATCH /sessions/${id}`, { body }))
    for (const bad of [{}, { name: 'x' }, { session_name: 7 }, { summary: { text: 'x' } }, { session_state: [] }, []]) {
      expect(await patch(bad)).toEqual([422, 'VALIDATION_ERROR'])
    }
    expect(refused(await os.ask(`PATCH /sessions/${id}`))).toEqual([422, 'VALIDATION_ERROR'])
    const flow = (await os.ask('POST /sessions?type=workflow')).body.session_id
    const summary = await os.ask(`PATCH /sessions/${flow}`, { body: { summary: { summary: 'x' } } })
    expect(summary).toMatchObject({ status: 422, body: { errors: [{ path: 'summary' }] } })
    expect(refused(await os.ask('PATCH /sessions/nothing', { body: { session_name: 'x' } }))).toEqual([
      404,
      'SESSION_NOT_FOUND',
    ])
  })
})

describe('POST /sessions/{session_id}/rename', () => {
  it('sets the name, trimmed', async () => {
    const id = await made()
    const renamed = await os.ask(`POST /sessions/${id}/rename?type=agent`, { body: { session_name: ' Order 7 ' } })
    expect(renamed).toMatchObject({ status: 200, body: { session_id: id, session_name: 'Order 7' } })
    const rename = async (body: unknown, query = '') =>
      refused(await os.ask(`POST /sessions/${id}/rename${query}`, { body }))
    for (const bad of [{}, { session_name: ' ' }, { session_name: 'x'.repeat(256) }, { session_name: 'a\u0000' }]) {
      expect(await rename(bad)).toEqual([422, 'VALIDATION_ERROR'])
    }
    expect(await rename({ session_name: 'x' }, '?type=team')).toEqual([404, 'SESSION_NOT_FOUND'])
  })
})

describe('DELETE', () => {
  it('of one is 204, then 404', async () => {
    const id = await made()
    const gone = await os.ask(`DELETE /sessions/${id}`, { as: alice })
    expect([gone.status, gone.body]).toEqual([204, ''])
    expect(refused(await os.ask(`DELETE /sessions/${id}`, { as: alice }))).toEqual([404, 'SESSION_NOT_FOUND'])
  })

  it('of several says how many there were', async () => {
    const ids = [await made(), await made()]
    const body = { session_ids: [...ids, 'nothing'], session_types: ['agent', 'team', 'agent'] }
    const first = await os.ask('DELETE /sessions', { as: alice, body })
    expect([first.status, first.headers.get('x-deleted-count')]).toEqual([204, '1'])
    const second = await os.ask(`DELETE /sessions?session_ids=${ids[0]}&session_ids=${ids[1]}`, { as: alice })
    expect([second.status, second.headers.get('x-deleted-count')]).toEqual([204, '1'])
  })

  it('of several deletes nothing when the request is not right', async () => {
    const id = await made()
    const remove = async (body: unknown, query = '') => refused(await os.ask(`DELETE /sessions${query}`, { body }))
    expect(await remove({ session_ids: [id], session_types: [] })).toEqual([422, 'LENGTH_MISMATCH'])
    expect(await remove({ session_ids: [] })).toEqual([422, 'VALIDATION_ERROR'])
    expect(await remove({})).toEqual([422, 'VALIDATION_ERROR'])
    expect(await remove({ session_ids: [id], session_type: ['team'] })).toEqual([422, 'VALIDATION_ERROR'])
    expect(await remove({ session_ids: Array.from({ length: 1001 }, () => id) })).toEqual([422, 'VALIDATION_ERROR'])
    expect((await os.ask(`GET /sessions/${id}`)).status).toBe(200)
  })
})

describe('scopes', () => {
  it.each([
    ['GET /sessions', 'sessions:read'],
    ['GET /sessions/x', 'sessions:read'],
    ['GET /sessions/x/runs', 'sessions:read'],
    ['GET /sessions/x/runs/y', 'sessions:read'],
    ['POST /sessions', 'sessions:write'],
    ['POST /sessions/x/rename', 'sessions:write'],
    ['PATCH /sessions/x', 'sessions:write'],
    ['DELETE /sessions', 'sessions:delete'],
    ['DELETE /sessions/x', 'sessions:delete'],
  ])('%s needs %s', async (line, scope) => {
    const others = ['sessions:read', 'sessions:write', 'sessions:delete'].filter((one) => one !== scope)
    const answer = await os.ask(line, { as: scopedCaller('alice', others) })
    expect(answer).toMatchObject({ status: 403, body: { required_scopes: [scope] } })
    expect((await os.ask(line, { as: scopedCaller('alice', [scope]) })).status).not.toBe(403)
  })
})
