import { onTestFinished } from 'vitest'
import type { AgentOS, Caller, Storage } from 'agentos-sdk'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { bindCaller, fullCaller } from '../../src/core/caller.js'
import { UnauthorizedError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import type { Logger } from '../../src/core/logger.js'
import { componentRoutes } from '../../src/http/components.js'
import { createHttpApp } from '../../src/http/app.js'
import { runRoutes } from '../../src/http/runs.js'
import { serviceAccountRoutes } from '../../src/http/service-accounts.js'
import type { Services } from '../../src/http/services.js'
import { sessionRoutes } from '../../src/http/sessions.js'
import { ServiceAccountVerifier } from '../../src/service-accounts/service-account-verifier.js'
import type { VerifierParts } from '../../src/service-accounts/service-account-verifier.js'
import { ServiceAccounts } from '../../src/service-accounts/service-accounts.js'
import type { ServiceAccountsParts } from '../../src/service-accounts/service-accounts.js'
import { serve } from '../client/support.js'
import { testAgentOS } from '../support/agent-os.js'

export const NOW = Date.parse('2026-04-24T20:15:00.000Z')
export const DAY_MS = 24 * 60 * 60 * 1000

/** A clock that moves when it is told to. */
export function standingClock() {
  const clock = { at: NOW, now: () => clock.at, advance: (milliseconds: number) => (clock.at += milliseconds) }
  return clock
}

/** Somebody with a token of a user. */
export function user(
  userId: string,
  scopes: string[] = ['service_accounts:write'],
  more: Partial<Caller> = {},
): Caller {
  return { kind: 'user', userId, scopes, admin: false, scoped: true, ...more }
}

export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all forms
  body: any
  text: string
}

export interface Asking {
  as?: Caller
  token?: string
  /** Where the request comes from, as a proxy would tell. */
  address?: string
  body?: unknown
}

export interface ClosedOptions extends Pick<Partial<ServiceAccountsParts>, 'terms'> {
  storage?: Storage
  logger?: Logger
  cacheTtlSeconds?: number
  /** Stands before the storage, to count or to break. */
  accounts?: (real: Storage['serviceAccounts']) => Storage['serviceAccounts']
}

/** Service accounts behind a real server that lets nobody in without a token. */
export async function closedServer(options: ClosedOptions = {}) {
  const clock = standingClock()
  const { storage = sqlite(':memory:'), logger = silentLogger, cacheTtlSeconds, terms } = options
  const agentOS: AgentOS = testAgentOS(undefined, { storage, clock, logger })
  const accounts = options.accounts?.(storage.serviceAccounts) ?? storage.serviceAccounts
  const parts: VerifierParts = { accounts, clock, logger, adminScope: terms?.adminScope }
  const verifier = new ServiceAccountVerifier({ ...parts, ...(cacheTtlSeconds !== undefined && { cacheTtlSeconds }) })
  const service = new ServiceAccounts({ accounts, clock, terms, onRevoked: (id) => verifier.forget(id) })
  const app = createHttpApp<Services>({
    routes: [...componentRoutes, ...runRoutes, ...sessionRoutes, ...serviceAccountRoutes],
    authenticate: (request) => {
      const known = request.headers.get('x-caller')
      if (known !== null) return JSON.parse(known) as Caller
      const token = request.headers.get('authorization')?.replace('Bearer ', '')
      if (token === undefined) throw new UnauthorizedError('TOKEN_MISSING', 'There is no token.')
      return verifier.verify(token, request.headers.get('x-address') ?? undefined)
    },
    services: (caller) =>
      Object.create(agentOS.as(caller), { serviceAccounts: { value: bindCaller(service, caller) } }) as Services,
    logger,
  })
  const { url } = await serve(createNodeHandler(app))

  /** `ask('POST /service-accounts', { as, body })` */
  async function ask(line: string, { as, token, address, body }: Asking = {}): Promise<Answer> {
    const [method = 'GET', path = '/'] = line.split(' ')
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(as && { 'x-caller': JSON.stringify(as) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(address !== undefined && { 'x-address': address }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: text === '' ? '' : JSON.parse(text) }
  }

  const mint = (body: unknown, as: Caller = fullCaller): Promise<Answer> => ask('POST /service-accounts', { as, body })

  return { agentOS, storage, clock, service, verifier, ask, mint }
}

/** A logger that keeps every word. */
export function keepingLogger(): { logger: Logger; said: () => string } {
  const lines: string[] = []
  const keep = (fields: object, message?: string): void => {
    const shown = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? errorText(value) : value])
    lines.push(JSON.stringify([message, shown]))
  }
  return { logger: { debug: keep, info: keep, warn: keep, error: keep }, said: () => lines.join('\n') }
}

function errorText(error: Error): string {
  const cause = error.cause instanceof Error ? errorText(error.cause) : String(error.cause)
  return `${error.stack} ${JSON.stringify(error)} ${cause}`
}

/** A storage whose file is closed when the test ends, after all who use it. */
export function fileStorage(path: string): Storage {
  const storage = sqlite(path)
  onTestFinished(() => storage.close())
  return storage
}
