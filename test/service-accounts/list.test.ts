import { describe, expect, it } from 'vitest'
import { fullCaller } from '../../src/core/caller.js'
import { ConflictError, ForbiddenError, NotFoundError } from '../../src/core/errors.js'
import { closedServer, DAY_MS, NOW, user } from './support.js'

const all = ['service_accounts:read', 'service_accounts:write', 'service_accounts:delete', 'agents:run']
const alice = user('alice', all)
const bob = user('bob', all)

async function three() {
  const server = await closedServer()
  const ids: string[] = []
  for (const [name, caller] of [
    ['b', alice],
    ['a', bob],
    ['c', alice],
  ] as const) {
    ids.push((await server.mint({ name, scopes: ['agents:run'], expires_in_days: ids.length + 1 }, caller)).body.id)
    server.clock.advance(1000)
  }
  return { ...server, ids }
}

async function names(
  { ask }: Pick<Awaited<ReturnType<typeof three>>, 'ask'>,
  query = '',
  as = fullCaller,
): Promise<string> {
  const { status, body } = await ask(`GET /service-accounts?${query}`, { as })
  expect(status, JSON.stringify(body)).toBe(200)
  return body.data.map((one: { name: string }) => one.name).join('')
}

describe('GET /service-accounts', () => {
  it('lists the newest first, or in the order that is asked for', async () => {
    const server = await three()
    expect(await names(server)).toBe('cab')
    expect(await names(server, 'sort_order=asc')).toBe('bac')
    expect(await names(server, 'sort_by=name&sort_order=ASC')).toBe('abc')
    expect(await names(server, 'sort_by=expires_at')).toBe('cab')
    expect(await names(server, 'sort_by=last_used_at&limit=2&page=2')).toBe('b')
    const { body } = await server.ask('GET /service-accounts?limit=2', { as: fullCaller })
    expect(body.meta).toMatchObject({ page: 1, limit: 2, total_count: 3, total_pages: 2 })
    expect(await names(server, `limit=2&cursor=${body.meta.next_cursor}`)).toBe('b')
    expect(body.data[0]).not.toHaveProperty('token')
    expect(body.data[0]).not.toHaveProperty('token_hash')
  })

  it.each([
    ['sort_by=scopes', 'INVALID_SORT'],
    ['sort_order=down', 'INVALID_SORT'],
    ['limit=0', 'VALIDATION_ERROR'],
    ['limit=1001', 'VALIDATION_ERROR'],
    ['limit=1000&page=11', 'VALIDATION_ERROR'],
    ['cursor=x', 'VALIDATION_ERROR'],
    ['include_revoked=maybe', 'VALIDATION_ERROR'],
    ['odd=1', 'VALIDATION_ERROR'],
  ])('refuses %s', async (query, code) => {
    const { ask } = await closedServer()
    const { status, body } = await ask(`GET /service-accounts?${query}`, { as: fullCaller })
    expect([status, body.error_code]).toEqual([422, code])
  })

  it('keeps what is revoked, and leaves it out where that is asked', async () => {
    const server = await three()
    const { ask, clock, ids } = server
    const at = new Date(clock.now()).toISOString()
    for (let time = 0; time < 2; time++) {
      expect((await ask(`DELETE /service-accounts/${ids[1]}`, { as: bob })).status).toBe(204)
      clock.advance(1000)
    }
    expect(await names(server)).toBe('cab')
    expect(await names(server, 'include_revoked=false')).toBe('cb')
    const { body } = await ask('GET /service-accounts?sort_by=name&sort_order=asc', { as: fullCaller })
    expect(body.data[0].revoked_at).toBe(at)
  })
})

describe('an account of somebody else', () => {
  it('is not there: neither in the list, nor to revoke or rotate', async () => {
    const server = await three()
    const { ask, service, ids } = server
    expect(await names(server, '', alice)).toBe('cb')
    expect(await names(server, '', bob)).toBe('a')
    const missing = await ask('DELETE /service-accounts/nowhere', { as: bob })
    const foreign = await ask(`DELETE /service-accounts/${ids[0]}`, { as: bob })
    for (const [{ status, body }, id] of [
      [missing, 'nowhere'],
      [foreign, ids[0]],
    ] as const) {
      expect([status, body.error_code, body.detail]).toEqual([
        404,
        'SERVICE_ACCOUNT_NOT_FOUND',
        `There is no service account "${id}".`,
      ])
    }
    await expect(service.rotate(bob, ids[0]!)).rejects.toBeInstanceOf(NotFoundError)
    expect(await names(server, 'include_revoked=false', alice)).toBe('cb')
  })

  it('is not there for the token of another account, and an account owns what it mints', async () => {
    const server = await closedServer()
    const asked = { scopes: all, allow_privileged_scopes: true }
    const one = (await server.mint({ ...asked, name: 'one' })).body
    const two = (await server.mint({ ...asked, name: 'two' })).body
    const minted = await server.ask('POST /service-accounts', {
      token: one.token,
      body: { name: 'child', scopes: ['agents:run'] },
    })
    expect(minted).toMatchObject({ status: 201, body: { user_id: 'sa:one', created_by: 'sa:one' } })
    const seen = async (token: string): Promise<string[]> =>
      (await server.ask('GET /service-accounts', { token })).body.data.map(({ name }: { name: string }) => name)
    expect(await seen(one.token)).toEqual(['child'])
    expect(await seen(two.token)).toEqual([])
    const path = `DELETE /service-accounts/${minted.body.id}`
    expect((await server.ask(path, { token: two.token })).status).toBe(404)
    expect((await server.ask(path, { token: one.token })).status).toBe(204)
    const wider = { name: 'wide', scopes: ['sessions:read'] }
    expect((await server.ask('POST /service-accounts', { token: one.token, body: wider })).status).toBe(403)
  })
})

describe('rotating', () => {
  it('ends the old token and begins a new one with the same principal, owner and scopes', async () => {
    const { service, mint, clock, verifier } = await closedServer()
    const old = (await mint({ name: 'ci', scopes: ['agents:run'], expires_in_days: 7 }, alice)).body
    clock.advance(DAY_MS)
    const next = await service.rotate(fullCaller, old.id)
    const { id, token, ...rest } = next
    expect(id).not.toBe(old.id)
    expect(rest).toMatchObject({
      principal: 'sa:ci',
      userId: 'alice',
      createdBy: null,
      scopes: [{ raw: 'agents:run' }],
      expiresAt: new Date(NOW + 8 * DAY_MS).toISOString(),
    })
    await expect(verifier.verify(old.token, undefined)).rejects.toThrow('was revoked')
    expect(await verifier.verify(token, undefined)).toMatchObject({ userId: 'sa:ci', scopes: ['agents:run'] })
    const forever = await service.rotate(alice, id, { neverExpires: true })
    expect(forever).toMatchObject({ expiresAt: null, createdBy: 'alice' })
    const short = await service.rotate(alice, forever.id, { expiresInDays: 1 })
    expect(short.expiresAt).toBe(new Date(NOW + 2 * DAY_MS).toISOString())
    expect((await service.list(alice, { includeRevoked: false })).data.map((one) => one.id)).toEqual([short.id])
  })

  it('is once only, of many at the same time', async () => {
    const { service, mint } = await closedServer()
    const { id } = (await mint({ name: 'ci', scopes: [] })).body
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => service.rotate(fullCaller, id)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = outcomes.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown)
    for (const error of refused) expect(error).toBeInstanceOf(ConflictError)
  })

  it('hands out no right that the caller lacks, and no principal of somebody else', async () => {
    const { service, mint } = await closedServer()
    const strong = (await mint({ name: 'strong', scopes: ['sessions:read'] })).body
    const ci = (await mint({ name: 'ci', scopes: ['agents:run'] }, alice)).body
    const unscoped = { ...bob, scoped: false }
    await expect(service.rotate(unscoped, strong.id)).rejects.toMatchObject({ code: 'SCOPE_NOT_HELD' })
    await expect(service.rotate(unscoped, ci.id)).rejects.toMatchObject({ code: 'SERVICE_ACCOUNT_NAME_TAKEN' })
    await expect(service.rotate({ ...alice, scopes: [] }, ci.id)).rejects.toBeInstanceOf(ForbiddenError)
    await expect(service.rotate(alice, ci.id, { expiresInDays: 0 })).rejects.toMatchObject({ status: 422 })
    expect((await service.list(fullCaller, { includeRevoked: false })).data).toHaveLength(2)
  })
})
