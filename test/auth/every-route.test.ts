import { createHmac, createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, AgentOS, approval, sequence, step, Team, tool, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { listen } from '../adapters/hosts/listen.js'
import { componentParam, isOwned, operationsOf } from './operations.js'
import type { Operation } from './operations.js'
import { forged, jwks, NOW, signer, token } from './support.js'

/** How often code of an agent ran: its model, its tools, its hooks. */
let ran = 0
const execute = (): string => {
  ran += 1
  return 'Paid.'
}
const refund = tool({ name: 'refund', requiresConfirmation: true, execute })
const payBack = tool({ name: 'pay_back', approval: 'required', execute })
const model = scripted(({ messages }) => {
  ran += 1
  const said = messages.at(-1)?.content
  if (said === 'Refund.') return { toolCalls: [{ id: 'call_1', name: 'refund' }] }
  return said === 'Pay back.' ? { toolCalls: [{ id: 'call_1', name: 'pay_back' }] } : 'A secret of alice.'
})
const trusted = signer()
const agents = ['my-agent', 'support'].map(
  (id) => new Agent({ id, model, tools: [refund, payBack], hooks: { pre: [() => void (ran += 1)] } }),
)
const agentOS = new AgentOS({
  agents,
  teams: [new Team({ id: 'desk', model, tools: [refund], members: [agents[0]!] })],
  workflows: [
    new Workflow({
      id: 'release',
      input: z.string(),
      steps: sequence(
        'release',
        step({ name: 'draft', run: (text: string) => `${execute()} ${text}` }),
        approval<string>({ name: 'approve' }),
        step({ name: 'publish', run: () => `A secret of alice. ${execute()}` }),
      ),
    }),
  ],
  storage: sqlite(':memory:'),
  logger: silentLogger,
  auth: { authorization: true, jwks: jwks(trusted), issuer: 'https://issuer.example' },
})
const claims = { iss: 'https://issuer.example' }
const by = (sub: string, scopes: readonly string[]) => token(trusted, { ...claims, sub, scopes })

let host: RunningHost
let operations: Operation[] = []
let guarded: Operation[] = []
let cases = 0
beforeAll(async () => {
  host = await listen(createNodeHandler(agentOS))
  operations = await operationsOf(host.url)
  guarded = operations.filter(({ isPublic }) => !isPublic)
})
afterAll(async () => {
  console.log(`${cases} requests to ${operations.length} operations of /openapi.json`)
  await host?.close()
  await agentOS.stop()
})

/** Objects of alice's: what the operations' examples speak of, and what they have no example for. */
interface Objects {
  runId: string
  approvalId: string
  accountId: string
}

const aliceHerself = { ...fullCaller, kind: 'user', userId: 'alice' } as const

/** What the operation runs. Its id is that of the examples. */
function componentOf({ path }: Pick<Operation, 'path'>) {
  if (path.startsWith('/teams/')) return { teamId: 'desk' }
  return path.startsWith('/workflows/') ? { workflowId: 'release' } : { agentId: 'support' }
}

async function objectsOfAlice({ operationId, path }: Pick<Operation, 'operationId' | 'path'>): Promise<Objects> {
  for (const sessionId of ['thread-42', 'thread-43']) await agentOS.sessions.delete(sessionId).catch(() => undefined)
  const asked = operationId.startsWith('continue') ? 'Refund.' : 'Hello'
  const message = operationId.includes('approval') ? 'Pay back.' : asked
  const run = { ...componentOf({ path }), userId: 'alice', message }
  await agentOS.runs.create({ ...run, sessionId: 'thread-43', message: 'Hello' })
  const { runId } = await agentOS.runs.create({ ...run, sessionId: 'thread-42' })
  const { data } = await agentOS.approvals.list({ runId })
  return { runId, approvalId: data[0]?.id ?? 'apr_none', accountId: await accountOfAlice() }
}

/** The only account whose name is in use. */
async function accountOfAlice(): Promise<string> {
  const { data } = await agentOS.serviceAccounts.list({ includeRevoked: false })
  for (const { id } of data) await agentOS.serviceAccounts.revoke(id)
  return (await agentOS.as(aliceHerself).serviceAccounts.mint({ name: 'ci-of-alice' })).id
}

function idOf({ name, example }: Operation['params'][number], objects: Objects): string {
  const { runId, approvalId, accountId } = objects
  const known: Record<string, string> = { run_id: runId, approval_id: approvalId, service_account_id: accountId }
  return known[name] ?? example ?? runId
}

interface Sent {
  headers?: Record<string, string>
  method?: string
  query?: string
  /** In the place of alice's objects. */
  ids?: (name: string) => string | undefined
}

interface Answer {
  status: number
  code: string | undefined
  text: string
  headers: Headers
}

async function send(
  operation: Operation,
  objects: Objects,
  { headers, method, query = '', ids }: Sent,
): Promise<Answer> {
  cases += 1
  const values = new Map(operation.params.map((param) => [param.name, ids?.(param.name) ?? idOf(param, objects)]))
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values.get(name)!))
  const response = await fetch(host.url + path + query, {
    method: method ?? operation.method,
    headers: { ...(operation.body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(operation.body !== undefined && { body: JSON.stringify(operation.body) }),
  })
  const text = await response.text()
  const isJson = text.startsWith('{')
  const code = isJson ? (JSON.parse(text) as { error_code?: string }).error_code : undefined
  return { status: response.status, code, text, headers: response.headers }
}

/**
 * Nobody decides about a run of its own, what was decided about somebody is not theirs to remove, and nobody hands on
 * what they don't hold.
 */
const refusedToOwner: Record<string, RegExp> = {
  resolve_approval: /^SELF_APPROVAL$/,
  delete_approval: /^APPROVAL_NOT_FOUND$/,
  create_service_account: /^SCOPE_NOT_HELD$/,
}
/** Whoever may resolve approvals sees those of everybody. */
const SEES_ALL = new Set(['resolve_approval'])

const nothing: Objects = { runId: 'run_none', approvalId: 'apr_none', accountId: 'none' }
const bearer = (sent: string) => ({ authorization: `Bearer ${sent}` })

/** Requests without a valid token: the name, what is sent, and the code that refuses it. */
async function faults(): Promise<[name: string, sent: Sent, code: string][]> {
  const good = { ...claims, sub: 'alice', aud: 'agentos', iat: NOW, exp: NOW + 3600, scopes: ['agent_os:admin'] }
  const sign = (more: object, header: Record<string, unknown> = {}, one = trusted) =>
    token(one, { ...good, ...more }, header)
  const valid = await sign({})
  const [head = '', body = '', signature = ''] = valid.split('.')
  const hmac = (secret: string | Buffer, header: object): string => {
    const unsigned = forged(header, good).slice(0, -1)
    return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`
  }
  const der = trusted.publicKey.export({ type: 'spki', format: 'der' })
  const stranger = signer()
  const elliptic = signer('key-1', 'ES256')
  const edwards = signer('key-1', 'EdDSA')
  const altered = Buffer.from(JSON.stringify({ ...good, sub: 'mallory' })).toString('base64url')
  const withKid = (kid: unknown) => sign({}, { kid })
  const invalid: [string, string | Promise<string>][] = [
    ['rubbish', 'rubbish'],
    ['three parts of rubbish', 'a.b.c'],
    ['five parts', `${valid}.x.y`],
    ['no expiry', sign({ exp: undefined })],
    ['an expiry that is no number', sign({ exp: 'tomorrow' as unknown as number })],
    ['a time to come', sign({ nbf: NOW + 3600 })],
    ['an issue to come', sign({ iat: NOW + 3600 })],
    ['the key of somebody else', sign({}, {}, stranger)],
    ['an elliptic key under the known id', sign({}, {}, elliptic)],
    ['an Edwards key under the known id', sign({}, {}, edwards)],
    ['RS512 by the right key', sign({}, { alg: 'RS512' })],
    ['PS256 by the right key', sign({}, { alg: 'PS256' })],
    ['alg none', forged({ alg: 'none', kid: 'key-1' }, good)],
    ['alg None', forged({ alg: 'None' }, good)],
    ['alg NONE with the signature of another', forged({ alg: 'NONE' }, good, signature)],
    ['an empty alg', forged({ alg: '' }, good, signature)],
    ['no alg', forged({ kid: 'key-1' }, good, signature)],
    ['a list of algs', forged({ alg: ['none', 'RS256'] }, good, signature)],
    ['HS256 by the public key in PEM', hmac(trusted.pem, { alg: 'HS256', kid: 'key-1' })],
    ['HS256 by the public key in PEM, trimmed', hmac(trusted.pem.trim(), { alg: 'HS256', kid: 'key-1' })],
    ['HS256 by the public key in DER', hmac(der, { alg: 'HS256', kid: 'key-1' })],
    ['HS256 by the public JWK', hmac(JSON.stringify(trusted.jwk), { alg: 'HS256', kid: 'key-1' })],
    ['HS256 by the modulus', hmac(Buffer.from(trusted.jwk.n!, 'base64url'), { alg: 'HS256', kid: 'key-1' })],
    ['HS256 by an empty file', hmac('', { alg: 'HS256', kid: '../../../../dev/null' })],
    ['RS256 said, HS256 done', hmac(trusted.pem, { alg: 'RS256', kid: 'key-1' })],
    ['a kid that is a path', withKid('../../../../etc/passwd')],
    ['a kid that is SQL', withKid(`x' UNION SELECT 'key' --`)],
    ['a kid that is a command', withKid('key-1|id')],
    ['a kid that nobody has', withKid('key-2')],
    ['a kid of a prototype', withKid('__proto__')],
    ['a kid of 8,000 characters', withKid('k'.repeat(8000))],
    ['a kid that is a number', withKid(1)],
    ['a kid that is null', withKid(null)],
    ['a kid that is a list', withKid(['key-1'])],
    ['a kid that is an object', withKid({ toString: 'key-1' })],
    ['a key of its own in the header', sign({}, { jwk: stranger.jwk }, stranger)],
    ['the place of a key in the header', sign({}, { jku: `${host.url}/jwks` }, stranger)],
    ['the place of a certificate in the header', sign({}, { x5u: `${host.url}/x5u` }, stranger)],
    ['a critical extension', forged({ alg: 'RS256', kid: 'key-1', crit: ['x'], x: 1 }, good, signature)],
    ['other claims under a good signature', `${head}.${altered}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['half a signature', `${head}.${body}.${signature.slice(0, 100)}`],
    ['claims that are a list', `${head}.${Buffer.from('[]').toString('base64url')}.${signature}`],
  ]
  const prepared = await Promise.all(invalid.map(async ([name, sent]) => [name, await sent] as const))
  const secret = createSecretKey(Buffer.alloc(32, 1))
  const hs = await new SignJWT(good).setProtectedHeader({ alg: 'HS256' }).sign(secret)
  return [
    ['no token', {}, 'TOKEN_MISSING'],
    ['an empty bearer', { headers: { authorization: 'Bearer ' } }, 'TOKEN_MISSING'],
    ['the name of a user', { headers: { 'x-user-id': 'alice' } }, 'TOKEN_MISSING'],
    ['a good token in the URL', { query: `?access_token=${valid}&token=${valid}` }, 'TOKEN_MISSING'],
    ['a good token in a cookie', { headers: { cookie: `access_token=${valid}` } }, 'TOKEN_MISSING'],
    ['a password', { headers: { authorization: 'Basic YWxpY2U6YWxpY2U=' } }, 'TOKEN_INVALID'],
    ['two tokens', { headers: { authorization: `Bearer ${valid}, Bearer ${valid}` } }, 'TOKEN_INVALID'],
    ['a token of a service account', { headers: bearer('agno_pat_0123456789') }, 'SERVICE_ACCOUNT_TOKEN_INVALID'],
    ['a secret of its own', { headers: bearer(hs) }, 'TOKEN_INVALID'],
    ['an expired token', { headers: bearer(await sign({ exp: NOW - 3600 })) }, 'TOKEN_EXPIRED'],
    ['another audience', { headers: bearer(await sign({ aud: 'other' })) }, 'TOKEN_AUDIENCE_INVALID'],
    ['other audiences', { headers: bearer(await sign({ aud: ['other', 'agentos2'] })) }, 'TOKEN_AUDIENCE_INVALID'],
    ['no audience', { headers: bearer(await sign({ aud: undefined })) }, 'TOKEN_AUDIENCE_INVALID'],
    ['another issuer', { headers: bearer(await sign({ iss: 'https://evil.example' })) }, 'TOKEN_AUDIENCE_INVALID'],
    ['no issuer', { headers: bearer(await sign({ iss: undefined })) }, 'TOKEN_AUDIENCE_INVALID'],
    ['a machine as its user', { headers: bearer(await sign({ sub: 'sa:ci', scopes: [] })) }, 'TOKEN_SUBJECT_INVALID'],
    ['a number as its user', { headers: bearer(await sign({ sub: 7 })) }, 'TOKEN_SUBJECT_INVALID'],
    ['no user', { headers: bearer(await sign({ sub: undefined, scopes: [] })) }, 'TOKEN_SUBJECT_REQUIRED'],
    ['an empty user', { headers: bearer(await sign({ sub: '', scopes: [] })) }, 'TOKEN_SUBJECT_REQUIRED'],
    ...prepared.map(([name, sent]): [string, Sent, string] => [name, { headers: bearer(sent) }, 'TOKEN_INVALID']),
  ]
}

describe('every operation', () => {
  it('is known, and says whom it is for', () => {
    expect(operations.length).toBeGreaterThan(30)
    const odd = guarded.filter(({ scopes, name }) => scopes.length === 0 && !/^GET \/(info)?$/.test(name))
    expect(odd.map(({ name }) => name)).toEqual([])
    expect(operations.filter(({ isPublic }) => isPublic).map(({ name }) => name)).toEqual([
      'GET /health',
      'GET /openapi.json',
    ])
  })

  it('is refused without a valid token, with the reason, and before any code of an agent runs', async () => {
    const all = await faults()
    const before = ran
    const problems: string[] = []
    for (const operation of guarded) {
      for (const [name, sent, code] of all) {
        const answer = await send(operation, nothing, sent)
        const challenge = code === 'TOKEN_MISSING' ? 'Bearer' : 'Bearer error="invalid_token"'
        const isRight =
          answer.status === 401 && answer.code === code && answer.headers.get('www-authenticate') === challenge
        // After some failures from one address it is not even said that the token is none.
        const isThrottled = code === 'SERVICE_ACCOUNT_TOKEN_INVALID' && answer.code === 'AUTH_THROTTLED'
        if (!isRight && !isThrottled) problems.push(`${operation.name} with ${name}: ${answer.status} ${answer.text}`)
      }
    }
    expect(problems).toEqual([])
    expect(ran).toBe(before)
  })

  it('is refused to HEAD as to GET', async () => {
    for (const operation of guarded.filter(({ method }) => method === 'GET')) {
      expect((await send(operation, nothing, { method: 'HEAD' })).status, operation.name).toBe(401)
    }
  })

  it('that is public takes any token, and reads none', async () => {
    for (const operation of operations.filter(({ isPublic }) => isPublic)) {
      for (const [name, sent] of await faults()) {
        expect((await send(operation, nothing, sent)).status, name).toBe(200)
      }
    }
  })

  it('is refused to whoever lacks a scope, which is named', async () => {
    const before = ran
    for (const operation of guarded) {
      const component = componentParam(operation)
      for (const missing of operation.scopes) {
        const [resource = '', action = ''] = missing.split(':')
        const others = operation.scopes.filter((scope) => scope !== missing)
        const useless = [
          [],
          ...['read', 'write', 'delete', 'run'].filter((one) => one !== action).map((one) => [`${resource}:${one}`]),
          [`${resource}:${action}:x`, `x:${resource}:${action}`, `${resource}:a:b:${action}`, `${resource}::${action}`],
          [missing.toUpperCase(), `!${missing}`, `${resource}:*`, `*:${action}`, '*', '*:*', 'admin', 'agent_os:*'],
          component === undefined ? [`${resource}:thread-42:${action}`] : [`${resource}:other:${action}`],
        ]
        for (const scopes of useless) {
          const answer = await send(operation, nothing, { headers: bearer(await by('alice', [...others, ...scopes])) })
          // A list is open to whoever may read some of it.
          if (component === undefined && /^\/(agents|teams|workflows)$/.test(operation.path) && scopes.length === 1)
            continue
          expect([answer.status, answer.code], `${operation.name} with ${scopes.join(' ')}`).toEqual([
            403,
            'INSUFFICIENT_SCOPE',
          ])
          expect(JSON.parse(answer.text)).toMatchObject({
            detail: `Insufficient permissions. Required scope(s): ${operation.scopes.join(', ')}`,
            required_scopes: operation.scopes,
          })
          expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
        }
      }
    }
    expect(ran).toBe(before)
  })

  it('is open to exactly its scopes, to their wildcards, to those of its component, and to an admin', async () => {
    for (const operation of guarded) {
      const isComponents = /^(agents|teams|workflows):/
      const wild = operation.scopes.map((scope) => scope.replace(':', ':*:'))
      const [id] = Object.values(componentOf(operation))
      const named = operation.scopes.map((scope) => (isComponents.test(scope) ? scope.replace(':', `:${id}:`) : scope))
      const enough: [string, string[]][] = [
        ['exactly', operation.scopes],
        ['wildcard', wild],
        ['admin', ['agent_os:admin']],
        ...(componentParam(operation) === undefined ? [] : [['per id', named] as [string, string[]]]),
      ]
      for (const [name, scopes] of enough) {
        const isAdmin = name === 'admin'
        const objects = await objectsOfAlice(operation)
        const answer = await send(operation, objects, { headers: bearer(await by('alice', scopes)) })
        const told = `${operation.name}, ${name}: ${answer.status} ${answer.text.slice(0, 200)}`
        expect(answer.status, told).toBeLessThan(500)
        expect(answer.status, told).not.toBe(401)
        expect(answer.code, told).not.toBe('INSUFFICIENT_SCOPE')
        expect(answer.code ?? '', told).toMatch(
          isAdmin ? /^$|APPROVAL_PENDING_DELETE/ : (refusedToOwner[operation.operationId] ?? /^$/),
        )
      }
    }
  })

  /** Has bob call an operation with alice's objects. Whatever comes of it, hers have to be as they were. */
  async function bobTries(operation: Operation) {
    const objects = await objectsOfAlice(operation)
    const before = ran
    const sent: Sent = { headers: bearer(await by('bob', operation.scopes)) }
    const answer = await send(operation, objects, sent)
    const told = `${operation.name}: ${answer.status} ${answer.text.slice(0, 300)}`
    expect(await agentOS.sessions.get('thread-42'), told).toMatchObject({ sessionId: 'thread-42', userId: 'alice' })
    expect((await agentOS.sessions.get('thread-43')).userId, told).toBe('alice')
    expect((await agentOS.runs.get(objects.runId)).userId, told).toBe('alice')
    return { objects, answer, told, sent, hasRun: ran !== before }
  }

  /** What an answer says, with ids that were sent taken out. */
  function said({ text }: Answer, ids: readonly string[]): unknown {
    const { request_id: _id, ...body } = JSON.parse(text) as Record<string, unknown>
    return JSON.parse(ids.reduce((all, id) => all.replaceAll(`\\"${id}\\"`, '\\"none\\"'), JSON.stringify(body)))
  }

  it("is to bob, on what is alice's, as where there is nothing: the same answer, and nothing runs", async () => {
    const onOne = guarded.filter(({ params, operationId }) => params.some(isOwned) && !SEES_ALL.has(operationId))
    expect(onOne.length).toBeGreaterThan(15)
    for (const operation of onOne) {
      const { objects, answer, told, sent, hasRun } = await bobTries(operation)
      const none = await send(operation, objects, { ...sent, ids: (name) => (isOwned({ name }) ? 'none' : undefined) })
      const ids = operation.params.filter(isOwned).map((param) => idOf(param, objects))
      expect([answer.status, none.status, hasRun], told).toEqual([404, 404, false])
      expect(said(answer, ids), told).toEqual(said(none, []))
    }
  })

  it("shows nothing of alice's to bob where it names nobody's", async () => {
    for (const operation of guarded.filter(({ params }) => !params.some(isOwned))) {
      const { objects, answer, told } = await bobTries(operation)
      for (const hers of [
        objects.runId,
        objects.approvalId,
        objects.accountId,
        'ci-of-alice',
        'A secret of alice',
        '"user_id":"alice"',
      ]) {
        expect(answer.text, told).not.toContain(hers)
      }
    }
  })

  it('resolves for bob what waits for somebody else than alice', async () => {
    for (const operation of guarded.filter(({ operationId }) => SEES_ALL.has(operationId))) {
      const { answer, told } = await bobTries(operation)
      expect(answer.status, told).toBe(200)
    }
  })
})
