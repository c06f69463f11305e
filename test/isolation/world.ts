import { AgentOS } from 'agentos-sdk'
import type { Storage } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { silentLogger } from '../../src/core/logger.js'
import type { RunningHost } from '../adapters/adapter-conformance.js'
import { listen } from '../adapters/hosts/listen.js'
import { jwks, signer, token } from '../auth/support.js'
import { servedComponents } from './components.js'
import type { Execution } from './components.js'
import type { Principal } from './ledger.js'
import { Ledger, NOBODY } from './ledger.js'
import { postBox } from './post-box.js'
import type { PostBox } from './post-box.js'

export const KINDS = ['user', 'approver', 'limited', 'account', 'admin', 'backend', 'anonymous'] as const

/** Somebody who calls. */
export interface Actor {
  kind: (typeof KINDS)[number]
  principal: Principal
  /** Sees its own rows only. */
  scoped: boolean
  scopes: readonly string[]
  token?: string
}

export interface Sent {
  method: string
  path: string
  headers?: Record<string, string>
  body?: unknown
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- bodies of all forms are looked into
  body: any
  code: string | undefined
}

/** Opens the door that asks for no token, as a host may: whoever comes in is nobody. */
const OPEN = [
  '/agents/*',
  '/teams',
  '/teams/*',
  '/workflows',
  '/workflows/*',
  '/sessions',
  '/sessions/*',
  '/approvals',
  '/approvals/*',
  '/service-accounts',
  '/service-accounts/*',
]
const PLAIN = [
  'agents:read',
  'agents:run',
  'teams:read',
  'teams:run',
  'workflows:read',
  'workflows:run',
  'config:read',
  'sessions:read',
  'sessions:write',
  'sessions:delete',
  'approvals:read',
  'approvals:delete',
  'service_accounts:read',
  'service_accounts:write',
  'service_accounts:delete',
]
const ADMIN = ['agent_os:admin']
const trusted = signer()

/** One database behind two servers: one that asks for tokens, and one that opens its paths to everybody. */
export class World {
  readonly ledger = new Ledger()
  readonly executions: Execution[] = []
  actors: Actor[] = []
  admin!: Actor
  private backend!: Actor
  private readonly anonymous: Actor = { kind: 'anonymous', principal: { number: NOBODY }, scoped: true, scopes: ADMIN }
  private readonly servers: AgentOS[] = []
  private hosts: RunningHost[] = []
  posts!: PostBox
  /** Runs that may still go on. */
  readonly unsettled = new Set<string>()

  async start(open: () => Storage): Promise<void> {
    this.posts = await postBox()
    for (const publicPaths of [[], OPEN]) {
      const agentOS: AgentOS = new AgentOS({
        ...servedComponents(
          () => agentOS,
          (execution) => this.executions.push(execution),
        ),
        storage: open(),
        logger: silentLogger,
        auth: { authorization: true, jwks: jwks(trusted), publicPaths },
        webhooks: {
          secrets: { default: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
          allowedHosts: [this.posts.host],
        },
      })
      this.servers.push(agentOS)
      this.hosts.push(await listen(createNodeHandler(agentOS)))
    }
    this.admin = await this.user('admin', ADMIN)
    this.backend = await this.account(this.admin, ADMIN)
  }

  async stop(): Promise<void> {
    for (const host of this.hosts) await host.close()
    for (const agentOS of this.servers) await agentOS.stop()
    await this.posts?.close()
  }

  /** New users: what those before have left is theirs, and nobody else's. */
  async people(): Promise<void> {
    const users = [await this.user('user', PLAIN), await this.user('user', PLAIN)]
    const approver = await this.user('approver', [...PLAIN, 'approvals:write'])
    const limited = await this.user('limited', ['agents:support:run', 'agents:support:read', 'sessions:read'])
    const accounts: Actor[] = []
    for (const user of [...users, approver])
      accounts.push(
        await this.account(
          user,
          PLAIN.filter((one) => !one.startsWith('service_')),
        ),
      )
    this.actors = [...users, approver, limited, ...accounts, this.admin, this.backend, this.anonymous]
  }

  async send({ method, path, headers, body }: Sent, { token: bearer, kind }: Actor): Promise<Answer> {
    const base = this.hosts[kind === 'anonymous' ? 1 : 0]!.url
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    const isJson = /^[[{]/.test(text) && response.headers.get('content-type')?.startsWith('application/json')
    const parsed = isJson ? (JSON.parse(text) as { error_code?: string }) : undefined
    return { status: response.status, headers: response.headers, text, body: parsed, code: parsed?.error_code }
  }

  /** As somebody who sees everything. */
  // oxlint-disable-next-line typescript/no-explicit-any -- bodies of all forms are looked into
  async ask(path: string): Promise<any> {
    return (await this.send({ method: 'GET', path }, this.admin)).body
  }

  base(): string {
    return this.hosts[0]!.url
  }

  private async user(kind: Actor['kind'], scopes: readonly string[]): Promise<Actor> {
    const principal = this.ledger.addPrincipal((number) => `user-${number}p`)
    const bearer = await token(trusted, { sub: principal.userId, scopes })
    return { kind, principal, scoped: kind !== 'admin', scopes, token: bearer }
  }

  /** Mints an account over HTTP, as a user does. */
  async account(minter: Actor, scopes: readonly string[]): Promise<Actor> {
    const principal = this.ledger.addPrincipal((number) => `sa:acct-${number}p`, minter.principal.number)
    const name = principal.userId!.slice('sa:'.length)
    const body = { name, scopes, allow_privileged_scopes: true }
    const { body: minted } = await this.send({ method: 'POST', path: '/service-accounts', body }, minter)
    this.ledger.add({ kind: 'account', id: minted.id, owner: minter.principal.number, name, isRevoked: false })
    const isAdmin = scopes.includes('agent_os:admin')
    return { kind: isAdmin ? 'backend' : 'account', principal, scoped: !isAdmin, scopes, token: minted.token }
  }
}
