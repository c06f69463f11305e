import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { clientOf, served } from '../client/support.js'
import { testAgentOS } from '../support/agent-os.js'
import { sharedStorage, temporaryDirectory } from '../support/two-processes.js'
import { standingClock } from './support.js'

const admin = { name: 'admin', scopes: ['agent_os:admin'], allowPrivilegedScopes: true }

describe('an AgentOS without authentication', () => {
  it('mints, lists and revokes over HTTP for the token of an account', async () => {
    const agentOS = testAgentOS()
    const { host } = await served(agentOS)
    const { token } = await agentOS.serviceAccounts.mint(admin)
    const client = clientOf(host.url, { token })
    const minted = await client.serviceAccounts.mint({ name: 'ci', scopes: ['agents:my-agent:run'], expiresInDays: 1 })
    expect(minted).toMatchObject({ principal: 'sa:ci', userId: 'sa:admin', scopes: [{ subNamespace: 'my-agent' }] })
    const ci = clientOf(host.url, { token: minted.token })
    const run = await ci.runs.create({ agentId: 'my-agent', message: 'Hi' })
    expect(run).toMatchObject({ status: 'completed', userId: 'sa:ci' })
    await expect(ci.sessions.list()).rejects.toMatchObject({ status: 403, code: 'INSUFFICIENT_SCOPE' })
    const { data, meta } = await client.serviceAccounts.list({ sortBy: 'name', sortOrder: 'asc', limit: 1 })
    expect([data.map(({ name }) => name), meta.totalCount]).toEqual([['admin'], 2])
    expect((await client.serviceAccounts.list({ includeRevoked: false })).data).toEqual(
      JSON.parse(JSON.stringify((await agentOS.serviceAccounts.list()).data)),
    )
    await client.serviceAccounts.revoke(minted.id)
    await expect(client.serviceAccounts.revoke('nobody')).rejects.toMatchObject({ code: 'SERVICE_ACCOUNT_NOT_FOUND' })
    const next = await agentOS.serviceAccounts.rotate(minted.id)
    expect(next).toMatchObject({ principal: 'sa:ci', userId: 'sa:admin' })
  })

  it('mints nothing for whoever nobody knows', async () => {
    const { client } = await served(testAgentOS())
    const refused = { status: 401, code: 'TOKEN_MISSING' }
    await expect(client.serviceAccounts.mint({ name: 'ci', scopes: [] })).rejects.toMatchObject(refused)
    expect((await client.serviceAccounts.list()).data).toEqual([])
  })

  it('holds the holder of a good token to its scopes, and ignores any other token', async () => {
    const agentOS = testAgentOS()
    const { host } = await served(agentOS)
    const { id, token } = await agentOS.serviceAccounts.mint({ name: 'ci', scopes: [] })
    const status = async (authorization: string): Promise<number> =>
      (await fetch(`${host.url}/os/sessions`, { headers: { authorization } })).status
    for (const good of [`Bearer ${token}`, `bearer  ${token}`, token]) expect(await status(good)).toBe(403)
    for (const odd of ['Bearer agno_pat_x', `Bearer ${token}x`, 'Bearer eyJ.x.y', 'Basic YTpi', '']) {
      expect(await status(odd)).toBe(200)
    }
    await agentOS.serviceAccounts.revoke(id)
    for (let time = 0; time < 25; time++) expect(await status(`Bearer ${token}`)).toBe(200)
  })

  it('lets the holder of a token do nothing while nobody can tell which', async () => {
    const storage = sqlite(join(temporaryDirectory(), 'agentos.db'))
    const agentOS = testAgentOS(undefined, { storage })
    const { host } = await served(agentOS)
    const { token } = await agentOS.serviceAccounts.mint({ name: 'ci' })
    const failing = vi.spyOn(storage.serviceAccounts, 'findByTokenHash').mockRejectedValue(new Error('gone'))
    const ask = (): Promise<Response> =>
      fetch(`${host.url}/os/sessions`, { headers: { authorization: `Bearer ${token}` } })
    const refused = await ask()
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ error_code: 'AUTH_UNAVAILABLE' }),
    ])
    failing.mockRestore()
    expect((await ask()).status).toBe(200)
  })
})

describe('two AgentOS on one database', () => {
  it('both know a token, and its end within 5 seconds', async () => {
    const open = sharedStorage()
    const clock = standingClock()
    const [here, there] = [1, 2].map(() => testAgentOS(undefined, { storage: open(), clock }))
    const { id, token } = await here!.serviceAccounts.mint({ name: 'ci', scopes: [] })
    const isRestricted = async (os: typeof here): Promise<boolean> => {
      const request = new Request('http://host/sessions', { headers: { authorization: `Bearer ${token}` } })
      return (await os!.fetch(request)).status === 403
    }
    expect([await isRestricted(here), await isRestricted(there)]).toEqual([true, true])
    await here!.as(fullCaller).serviceAccounts.revoke(id)
    expect(await isRestricted(here)).toBe(false)
    clock.advance(4999)
    expect(await isRestricted(there)).toBe(true)
    clock.advance(1)
    expect(await isRestricted(there)).toBe(false)
  })
})
