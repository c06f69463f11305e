import { describe, expect, it } from 'vitest'
import type { AgentOSOptions, Caller } from 'agentos-sdk'
import { Agent, Team, tool, waitForEvent, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { fullCaller } from '../../src/core/caller.js'
import { jwks, signer, token } from '../auth/support.js'
import { testAgentOS } from '../support/agent-os.js'

const trusted = signer()
const backend: Caller = { ...fullCaller, kind: 'service_account', userId: 'sa:backend' }
const scopes = ['agents:run', 'sessions:read', 'sessions:write', 'service_accounts:write']

/** What dependencies its runs had. */
const given: unknown[] = []
const seen = tool({ name: 'seen', execute: (_, { dependencies }) => void given.push({ ...dependencies }) })
const pay = tool({ name: 'pay', approval: 'required', execute: () => 'Paid.' })
const model = scripted(({ messages }, step) => {
  const name = messages.at(-1)?.content
  return step === 0 && (name === 'pay' || name === 'seen') ? { toolCalls: [{ id: 'call_1', name }] } : 'Hello!'
})

const leader = scripted((_, step) =>
  step === 0
    ? {
        toolCalls: [
          { id: 'call_1', name: 'delegate_task_to_member', arguments: { member_id: 'my-agent', task: 'pay' } },
        ],
      }
    : 'Done.',
)

function guarded(auth: AgentOSOptions['auth'] = {}) {
  const agents = [new Agent({ id: 'my-agent', model, tools: [pay, seen] })]
  const desk = new Team({ id: 'desk', model: leader, members: [agents[0]!] })
  const flow = new Workflow({ id: 'flow', steps: waitForEvent({ name: 'wait', event: 'go' }) })
  const parts = { agents, teams: [desk], workflows: [flow] }
  const agentOS = testAgentOS(model, { ...parts, auth: { authorization: true, jwks: jwks(trusted), ...auth } })
  const ask = async (
    line: string,
    bearer: string | undefined,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const [method = '', path = ''] = line.split(' ')
    const response = await agentOS.fetch(
      new Request(`http://host${path}`, {
        method,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
    return { status: response.status, body: await response.json() }
  }
  return { agentOS, ask }
}

describe('isolation', () => {
  it('gives a backend that acts for a user no session of another', async () => {
    const { agentOS } = guarded()
    const runs = agentOS.as(backend).runs
    await runs.create({ agentId: 'my-agent', message: 'A secret of alice', userId: 'alice', sessionId: 'hers' })
    const forBob = { agentId: 'my-agent', message: 'What was said?', userId: 'bob', sessionId: 'hers' }
    await expect(runs.create(forBob)).rejects.toMatchObject({ status: 404, code: 'SESSION_NOT_FOUND' })
    await expect(agentOS.runs.create(forBob)).rejects.toMatchObject({ status: 404, code: 'SESSION_NOT_FOUND' })
    expect((await runs.create({ ...forBob, userId: 'alice' })).status).toBe('completed')
    // In its own name it may look after any session.
    expect((await runs.create({ agentId: 'my-agent', message: 'Hi', sessionId: 'hers' })).userId).toBe('sa:backend')
  })

  it('refuses the name of another also where the request names its own as well', async () => {
    const { ask } = guarded()
    const bob = await token(trusted, { sub: 'bob', scopes })
    expect(await ask('POST /sessions?user_id=alice', bob, { user_id: 'bob' })).toMatchObject({
      status: 403,
      body: { error_code: 'USER_MISMATCH' },
    })
  })

  it('refuses the name of another where a run is continued, and finds none of another user for an admin', async () => {
    const { agentOS, ask } = guarded()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', userId: 'bob' })
    const path = `POST /agents/my-agent/runs/${runId}/continue`
    const bob = await token(trusted, { sub: 'bob', scopes })
    const admin = await token(trusted, { sub: 'root', scopes: ['agent_os:admin'] })
    expect((await ask(path, bob, { user_id: 'alice' })).body).toMatchObject({ error_code: 'USER_MISMATCH' })
    expect((await ask(path, admin, { user_id: 'alice' })).body).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
    expect((await ask(path, bob, { user_id: 'bob' })).status).toBe(200)
  })

  it('makes no approver of whoever comes by a public path', async () => {
    const { agentOS, ask } = guarded({ publicPaths: ['/approvals', '/approvals/*'] })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'pay', userId: 'alice' })
    const [approval] = (await agentOS.approvals.list()).data
    expect((await ask(`POST /approvals/${approval!.id}/resolve`, undefined, { status: 'approved' })).status).toBe(404)
    expect((await ask('GET /approvals', undefined)).body).toMatchObject({ data: [], meta: { total_count: 0 } })
    expect((await agentOS.approvals.get(approval!.id)).status).toBe('pending')
  })

  it('answers nobody by the run of somebody else who is nobody, whatever key it sends', async () => {
    const { ask } = guarded({ publicPaths: ['/agents/*'] })
    const run = { message: 'A secret of a visitor' }
    const headers = { 'idempotency-key': 'checkout-1' }
    const [first, second] = [
      await ask('POST /agents/my-agent/runs', undefined, run, headers),
      await ask('POST /agents/my-agent/runs', undefined, run, headers),
    ]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body.run_id).not.toBe(first.body.run_id)
    const other = await ask('POST /agents/my-agent/runs', undefined, { message: 'Hi' }, headers)
    expect(other.status).toBe(200)
    // Who is known by its token gets the same run again.
    const bob = await token(trusted, { sub: 'bob', scopes })
    const runs = guarded()
    const again = async () => (await runs.ask('POST /agents/my-agent/runs', bob, run, headers)).body.run_id as string
    expect(await again()).toBe(await again())
  })

  it('leaves what only tokens say of a session as it is, however the session is written', async () => {
    const { agentOS, ask } = guarded({ sessionStateClaims: ['plan'] })
    const lacking = await token(trusted, { sub: 'bob', scopes })
    const free = await token(trusted, { sub: 'bob', scopes, plan: 'free' })
    const stateOf = async (id: string) => (await agentOS.sessions.get(id)).sessionState
    const gold = { session_state: { plan: 'gold', colour: 'red' } }

    await ask('POST /sessions', lacking, { session_id: 'one', ...gold })
    expect(await stateOf('one')).toEqual({ colour: 'red' })
    expect((await ask('PATCH /sessions/one', lacking, gold)).status).toBe(200)
    expect(await stateOf('one')).toEqual({ colour: 'red' })

    await ask('POST /sessions', free, { session_id: 'two', ...gold })
    expect(await stateOf('two')).toEqual({ plan: 'free', colour: 'red' })
    for (const changes of [gold, { session_state: { colour: 'red' } }]) {
      await ask('PATCH /sessions/two', lacking, changes)
      expect(await stateOf('two')).toEqual({ plan: 'free', colour: 'red' })
    }
    await ask('PATCH /sessions/two', lacking, { session_state: null })
    expect(await stateOf('two')).toEqual({ plan: 'free' })

    const admin = await token(trusted, { sub: 'root', scopes: ['agent_os:admin'] })
    await ask('PATCH /sessions/two', admin, gold)
    expect(await stateOf('two')).toEqual({ plan: 'gold', colour: 'red' })
  })

  it('holds a token to the session that it is for', async () => {
    const { agentOS, ask } = guarded()
    const elsewhere = await agentOS.runs.create({
      agentId: 'my-agent',
      message: 'Hi',
      userId: 'bob',
      sessionId: 'other',
    })
    const pinned = await token(trusted, { sub: 'bob', scopes: [...scopes, 'workflows:run'], session_id: 'mine' })
    const { body: own } = await ask('POST /agents/my-agent/runs', pinned, { message: 'Hi', session_id: 'other' })
    expect(own.session_id).toBe('mine')
    const go = (runId: string) => ask(`POST /agents/my-agent/runs/${runId}/continue`, pinned, { input: 'More' })
    expect(await go(elsewhere.runId)).toMatchObject({ status: 404, body: { error_code: 'RUN_NOT_FOUND' } })
    expect((await go(own.run_id)).status).toBe(200)

    const waiting = await agentOS.runs.create({ workflowId: 'flow', message: 'Hi', userId: 'bob', sessionId: 'third' })
    expect(waiting.status).toBe('paused')
    const send = (bearer: string) => ask(`POST /workflows/flow/runs/${waiting.runId}/events`, bearer, { name: 'go' })
    expect(await send(pinned)).toMatchObject({ status: 404, body: { error_code: 'RUN_NOT_FOUND' } })
    expect((await send(await token(trusted, { sub: 'bob', scopes: ['workflows:run'] }))).status).toBe(202)

    const account = { name: 'bobs', scopes: ['agents:run'] }
    expect(await ask('POST /service-accounts', pinned, account)).toMatchObject({
      status: 403,
      body: { error_code: 'SCOPE_NOT_HELD' },
    })
    expect((await ask('POST /service-accounts', await token(trusted, { sub: 'bob', scopes }), account)).status).toBe(
      201,
    )
  })

  it('shows no run inside of another, and takes no event for a workflow, of somebody else', async () => {
    const { agentOS, ask } = guarded()
    const forAlice = { userId: 'alice', sessionId: 'hers' }
    const team = await agentOS.runs.create({ teamId: 'desk', message: 'pay', ...forAlice })
    const inside = team.memberResponses![0]!
    const flow = await agentOS.runs.create({ workflowId: 'flow', message: 'Hi', userId: 'alice' })
    const everything = [...scopes, 'teams:run', 'workflows:run', 'approvals:read']
    const [alice, bob] = [
      await token(trusted, { sub: 'alice', scopes: everything }),
      await token(trusted, { sub: 'bob', scopes: everything }),
    ]
    const missing = { status: 404, body: { error_code: 'RUN_NOT_FOUND' } }
    // Not even to its owner: its team is asked for it.
    for (const bearer of [alice, bob]) {
      expect(await ask(`GET /agents/my-agent/runs/${inside.runId}`, bearer)).toMatchObject(missing)
      expect((await ask('GET /agents/my-agent/runs', bearer)).body).toEqual([])
    }
    expect((await ask(`GET /sessions/hers/runs/${inside.runId}`, alice)).body.run_id).toBe(inside.runId)
    expect((await ask(`GET /sessions/hers/runs/${inside.runId}`, bob)).status).toBe(404)
    expect((await ask('GET /approvals?team_id=desk', bob)).body.data).toEqual([])
    expect((await ask('GET /approvals?team_id=desk', alice)).body.data).toHaveLength(1)
    expect(await ask(`POST /workflows/flow/runs/${flow.runId}/events`, bob, { name: 'go' })).toMatchObject(missing)
  })

  it('lets nobody mint a token that may say what only tokens of the issuer say', async () => {
    const { ask } = guarded({ dependenciesClaims: ['tenant'], sessionStateClaims: ['plan'] })
    const bob = await token(trusted, { sub: 'bob', scopes, tenant: 'of-bob' })
    const { token: minted } = (await ask('POST /service-accounts', bob, { name: 'bobs', scopes: ['agents:run'] })).body
    const body = { message: 'seen', dependencies: { tenant: 'of-alice' }, session_state: { plan: 'gold' } }
    given.length = 0
    await ask('POST /agents/my-agent/runs', bob, body)
    const { body: run } = await ask('POST /agents/my-agent/runs', minted, body)
    expect(given).toEqual([{ tenant: 'of-bob' }, {}])
    expect(JSON.stringify(run)).not.toContain('gold')
  })
})
