import { describe, expect, it } from 'vitest'
import type { AgentOS } from 'agentos-sdk'
import { ask, audited, gated, pausedOn, user } from '../approvals/support.js'

const scopes = ['approvals:read', 'approvals:write', 'approvals:delete']
const approver = user('bob', scopes, { scoped: true })
const alice = user('alice', ['approvals:read'], { scoped: true })
const carol = user('carol', ['approvals:read'], { scoped: true })

/** Three runs of two users, each of which waits for an approval; the ids, oldest first. */
async function three() {
  const served = gated()
  const ids: string[] = []
  for (const userId of ['alice', 'carol', 'alice']) {
    ids.push((await pausedOn(served.agentOS, served.start(userId))).approval.id)
  }
  return { ...served, ids }
}

async function listed(agentOS: AgentOS, query: string, as = approver): Promise<string[]> {
  const { status, body } = await ask(agentOS, `GET /approvals?${query}`, undefined, as)
  expect(status).toBe(200)
  return body.data.map(({ id }: { id: string }) => id)
}

describe('GET /approvals', () => {
  it('lists the newest first, spelled as on the wire', async () => {
    const { agentOS, ids } = await three()
    const { status, body } = await ask(agentOS, 'GET /approvals', undefined, approver)
    expect(status).toBe(200)
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids.toReversed())
    expect(body.meta).toMatchObject({ page: 1, limit: 100, total_count: 3, total_pages: 1 })
    expect(body.data[0]).toMatchObject({
      status: 'pending',
      source_type: 'agent',
      agent_id: 'my-agent',
      approval_type: 'required',
      pause_type: 'confirmation',
      tool_name: 'pay',
      tool_args: { amount: 7 },
      requirements: [{ tool_execution: { tool_call_id: 'call_pay', approval_id: ids[2], approval_type: 'required' } }],
      context: { tool_names: ['pay'], source_name: 'My agent' },
      user_id: 'alice',
      run_status: 'paused',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  it.each([
    ['status=pending', 3],
    ['status=approved', 0],
    ['approval_type=required', 3],
    ['approval_type=audit', 0],
    ['source_type=team', 0],
    ['pause_type=CONFIRMATION', 3],
    ['pause_type=user_input', 0],
    ['agent_id=my-agent', 3],
    ['agent_id=other', 0],
    ['team_id=my-agent', 0],
    ['agent_id=my-agent&team_id=my-agent', 0],
    ['user_id=alice', 2],
    ['user_id=nobody', 0],
    ['schedule_id=x', 0],
    ['session_id=x', 0],
  ])('filters by %s', async (query, count) => {
    const { agentOS } = await three()
    expect(await listed(agentOS, query)).toHaveLength(count)
    const counted = await ask(agentOS, `GET /approvals/count?${query.replace(/status=\w+/, '')}`, undefined, approver)
    expect(counted.body).toEqual({ count: query.startsWith('status') ? 3 : count })
  })

  it('filters by run and session', async () => {
    const { agentOS, ids } = await three()
    const { runId, sessionId } = await agentOS.approvals.get(ids[1]!)
    expect(await listed(agentOS, `run_id=${runId}`)).toEqual([ids[1]])
    expect(await listed(agentOS, `session_id=${sessionId}`)).toEqual([ids[1]])
  })

  it('pages by number and by cursor, and shows each once', async () => {
    const { agentOS, ids } = await three()
    expect(await listed(agentOS, 'limit=2&page=2')).toEqual([ids[0]])
    for (const filter of ['', '&status=pending', '&agent_id=my-agent']) {
      const seen: string[] = []
      let next = ''
      do {
        const { body } = await ask(agentOS, `GET /approvals?limit=1${filter}${next}`, undefined, approver)
        seen.push(...body.data.map(({ id }: { id: string }) => id))
        next = body.meta.next_cursor === undefined ? '' : `&cursor=${body.meta.next_cursor}`
      } while (next !== '')
      expect(seen).toEqual(ids.toReversed())
    }
  })

  it.each(['status=open', 'approval_type=both', 'pause_type=x', 'source_type=x', 'limit=0', 'cursor=x', 'odd=1'])(
    'refuses %s',
    async (query) => {
      const { agentOS } = gated()
      expect(await ask(agentOS, `GET /approvals?${query}`, undefined, approver)).toMatchObject({
        status: 422,
        body: { error_code: 'VALIDATION_ERROR' },
      })
    },
  )

  it('asks for the scope of each operation', async () => {
    const { agentOS, ids } = await three()
    const nobody = user('dan', ['approvals:read'])
    for (const [line, scope, as] of [
      ['GET /approvals', 'approvals:read', user('dan')],
      ['GET /approvals/count', 'approvals:read', user('dan')],
      [`GET /approvals/${ids[0]}`, 'approvals:read', user('dan')],
      [`GET /approvals/${ids[0]}/status`, 'approvals:read', user('dan')],
      [`POST /approvals/${ids[0]}/resolve`, 'approvals:write', nobody],
      [`DELETE /approvals/${ids[0]}`, 'approvals:delete', nobody],
    ] as const) {
      const answer = await ask(agentOS, line, line.startsWith('POST') ? { status: 'approved' } : undefined, as)
      expect(answer).toMatchObject({
        status: 403,
        body: { error_code: 'INSUFFICIENT_SCOPE', required_scopes: [scope] },
      })
    }
  })
})

describe('callers that see their own rows only', () => {
  it('see no others, in lists, counts and by id', async () => {
    const { agentOS, ids } = await three()
    expect(await listed(agentOS, '', alice)).toEqual([ids[2], ids[0]])
    expect(await listed(agentOS, '', carol)).toEqual([ids[1]])
    expect((await ask(agentOS, 'GET /approvals/count', undefined, carol)).body).toEqual({ count: 1 })
    for (const path of [`/approvals/${ids[0]}`, `/approvals/${ids[0]}/status`]) {
      expect((await ask(agentOS, `GET ${path}`, undefined, alice)).status).toBe(200)
      const hidden = await ask(agentOS, `GET ${path}`, undefined, carol)
      const missing = await ask(agentOS, `GET ${path.replace(ids[0]!, 'apr_x')}`, undefined, carol)
      expect([hidden.status, hidden.body.error_code]).toEqual([404, 'APPROVAL_NOT_FOUND'])
      expect(hidden.body.detail.replace(ids[0], 'apr_x')).toBe(missing.body.detail)
    }
    const named = await ask(agentOS, 'GET /approvals?user_id=alice', undefined, carol)
    expect(named).toMatchObject({ status: 403, body: { error_code: 'USER_MISMATCH' } })
  })

  it('see all of them where they may resolve any', async () => {
    const { agentOS, ids } = await three()
    expect(await listed(agentOS, '', approver)).toHaveLength(3)
    expect(await listed(agentOS, 'user_id=carol', approver)).toEqual([ids[1]])
    const resolved = await ask(agentOS, `POST /approvals/${ids[1]}/resolve`, { status: 'rejected' }, approver)
    expect(resolved).toMatchObject({ status: 200, body: { status: 'rejected', resolved_by: 'bob' } })
  })
})

describe('POST /approvals/{approval_id}/resolve', () => {
  it('records the identity of the caller, whatever it says about itself', async () => {
    const { agentOS, ids } = await three()
    const body = { status: 'approved', resolved_by: 'the boss', resolution_data: { note: 'Fine.' } }
    const { status, body: resolved } = await ask(agentOS, `POST /approvals/${ids[0]}/resolve`, body, approver)
    expect(status).toBe(200)
    expect(resolved).toMatchObject({ status: 'approved', resolved_by: 'bob', resolution_data: { note: 'Fine.' } })
    const unnamed = await ask(agentOS, `POST /approvals/${ids[1]}/resolve`, body)
    expect(unnamed.body.resolved_by).toBe('the boss')
    expect((await ask(agentOS, `GET /approvals/${ids[0]}/status`, undefined, approver)).body).toEqual({
      approval_id: ids[0],
      status: 'approved',
      run_id: resolved.run_id,
      resolved_at: resolved.resolved_at,
      resolved_by: 'bob',
    })
  })

  it('tells who was faster', async () => {
    const { agentOS, ids } = await three()
    await ask(agentOS, `POST /approvals/${ids[0]}/resolve`, { status: 'rejected' }, approver)
    const second = await ask(agentOS, `POST /approvals/${ids[0]}/resolve`, { status: 'approved' })
    expect(second).toMatchObject({ status: 409, body: { error_code: 'APPROVAL_ALREADY_RESOLVED' } })
    expect(second.body.detail).toMatch(/was rejected by "bob" at \d{4}-/)
  })

  it('takes none about a run that the caller has started, unless it is an admin, or that was switched off', async () => {
    const { agentOS, ids } = await three()
    const self = user('alice', scopes)
    const refused = await ask(agentOS, `POST /approvals/${ids[0]}/resolve`, { status: 'approved' }, self)
    expect(refused).toMatchObject({ status: 403, body: { error_code: 'SELF_APPROVAL' } })
    const admin = user('alice', scopes, { admin: true })
    expect((await ask(agentOS, `POST /approvals/${ids[0]}/resolve`, { status: 'approved' }, admin)).status).toBe(200)

    const lax = gated({ approvals: { allowSelfApproval: true } })
    const { approval } = await pausedOn(lax.agentOS, lax.start('alice'))
    const line = `POST /approvals/${approval.id}/resolve`
    expect((await ask(lax.agentOS, line, { status: 'approved' }, self)).status).toBe(200)
  })

  it('takes none from an identity that has started the run for somebody else', async () => {
    const { agentOS } = gated()
    const backend = user('backend', ['agents:run', ...scopes])
    const run = agentOS.as(backend).runs.create({ agentId: 'my-agent', message: 'Go', userId: 'alice' })
    const { approval } = await pausedOn(agentOS, run)
    const refused = await ask(agentOS, `POST /approvals/${approval.id}/resolve`, { status: 'approved' }, backend)
    expect(refused).toMatchObject({ status: 403, body: { error_code: 'SELF_APPROVAL' } })
  })

  it.each([
    [{}, 'VALIDATION_ERROR'],
    [{ status: 'pending' }, 'VALIDATION_ERROR'],
    [{ status: 'approved', resolved_by: 'x'.repeat(256) }, 'VALIDATION_ERROR'],
    [{ status: 'approved', resolution_data: 'yes' }, 'VALIDATION_ERROR'],
    [{ status: 'approved', resolution_data: { values: { amount: 1 } } }, 'RESOLUTION_INCOMPLETE'],
    [{ status: 'approved', resolution_data: { edited_args: { call_pay: { amount: 'x' } } } }, 'INVALID_TOOL_ARGS'],
    [{ status: 'approved', resolution_data: { edited_args: { x: {} } } }, 'UNKNOWN_TOOL_CALL'],
  ])('refuses %j with %s', async (body, code) => {
    const { agentOS, start } = gated()
    const { approval } = await pausedOn(agentOS, start())
    const refused = await ask(agentOS, `POST /approvals/${approval.id}/resolve`, body, approver)
    expect(refused).toMatchObject({ status: 422, body: { error_code: code } })
    expect((await agentOS.approvals.get(approval.id)).status).toBe('pending')
  })

  it('knows no approval that is not there', async () => {
    const { agentOS } = gated()
    const answer = await ask(agentOS, 'POST /approvals/apr_x/resolve', { status: 'approved' }, approver)
    expect(answer).toMatchObject({ status: 404, body: { error_code: 'APPROVAL_NOT_FOUND' } })
  })
})

describe('DELETE /approvals/{approval_id}', () => {
  const remover = user('bob', scopes)

  it('removes a record that is closed, and none that a run waits for', async () => {
    const { agentOS, start } = gated()
    const { run, approval } = await pausedOn(agentOS, start('alice'))
    const line = `DELETE /approvals/${approval.id}`
    const refused = { status: 409, body: { error_code: 'APPROVAL_PENDING_DELETE' } }
    expect(await ask(agentOS, line, undefined, remover)).toMatchObject(refused)
    await agentOS.approvals.resolve(approval.id, { status: 'approved' })
    // It is what the run is continued with.
    expect(await ask(agentOS, line, undefined, remover)).toMatchObject(refused)
    await agentOS.runs.continue(run.runId)
    expect((await ask(agentOS, line, undefined, remover)).status).toBe(204)
    expect((await ask(agentOS, line, undefined, remover)).status).toBe(404)
  })

  it('removes an audit, and a record whose run was cancelled', async () => {
    const { agentOS, start } = gated({ calls: [audited] })
    const run = await start()
    await agentOS.runs.continue(run.runId, { tools: [{ toolCallId: 'call_audited', confirmed: true }] })
    const [record] = (await agentOS.approvals.list()).data
    expect((await ask(agentOS, `DELETE /approvals/${record!.id}`, undefined, remover)).status).toBe(204)
    const other = gated()
    const paused = await pausedOn(other.agentOS, other.start())
    await other.agentOS.runs.cancel(paused.run.runId)
    expect((await ask(other.agentOS, `DELETE /approvals/${paused.approval.id}`, undefined, remover)).status).toBe(204)
  })

  it('is not there for callers that see their own rows only', async () => {
    const { agentOS, ids } = await three()
    await agentOS.approvals.resolve(ids[0]!, { status: 'rejected' })
    const own = user('alice', scopes, { scoped: true })
    expect((await ask(agentOS, `DELETE /approvals/${ids[0]}`, undefined, own)).status).toBe(404)
  })
})
