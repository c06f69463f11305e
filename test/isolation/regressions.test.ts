import { describe, expect, it } from 'vitest'
import type { AgentOSOptions, Caller } from 'agentos-sdk'
import { Agent, tool } from 'agentos-sdk'
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

function guarded(auth: AgentOSOptions['auth'] = {}) {
  const agents = [new Agent({ id: 'my-agent', model, tools: [pay, seen] })]
  const agentOS = testAgentOS(model, { agents, auth: { authorization: true, jwks: jwks(trusted), ...auth } })
  const ask = async (line: string, bearer: string | undefined, body?: unknown) => {
    const [method = '', path = ''] = line.split(' ')
    const response = await agentOS.fetch(
      new Request(`http://host${path}`, {
        method,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
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
