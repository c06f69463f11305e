import type { Caller } from '../core/caller.js'
import type { Logger } from '../core/logger.js'
import { redact } from '../core/redact.js'
import { partsOf } from '../core/scopes.js'
import { Reply } from './reply.js'
import { requirementsOf, scopeName } from './route-access.js'
import type { Route } from './route.js'

/** Something that was refused for lack of rights, or because it was too much, or that an administrator has done. */
export interface AuditEvent {
  /** `denied`: 401, 403 or 429. `action`: a route that changes what is administered was called, with success or not. */
  type: 'denied' | 'action'
  /** ISO 8601. */
  at: string
  /** Who. A caller that no token has identified is `anonymous`. */
  caller: { kind: Caller['kind']; userId?: string }
  method: string
  /** What, as `/openapi.json` names it. */
  operationId: string
  /** Ids of what it was done to: those of the path, then those that the query, the body or the answer names. */
  resources: Readonly<Record<string, string | readonly string[]>>
  outcome: 'succeeded' | 'denied' | 'failed'
  status: number
  /** Of the error. */
  errorCode?: string
  requestId: string
  /** Of the client, where the host or its proxy tells. */
  address?: string
}

/** Gets each event as it happens. What it throws is logged; nothing waits for it. */
export type AuditCallback = (event: AuditEvent) => void | Promise<void>

/** What an event is made of, as far as the request has come. */
export interface AuditedRequest {
  operationId: string
  caller: Caller
  params: Readonly<Record<string, string>>
  query: unknown
  body: unknown
  method: string
  requestId: string
  address: string | undefined
}

/** What a handler returned, or the status and code of the error. */
export type AuditedOutcome = { status: number; result: unknown } | { status: number; errorCode: string }

const DENIED = new Set([401, 403, 429])

/** What is administered rather than used. A route is audited when its scope writes or deletes one of these. */
const administered = new Set(['config', 'approvals', 'service_accounts', 'sessions', 'components', 'schedules'])

/** Whether calls of a route are actions to be audited, by the scope that it declares, whatever the host asks for instead. */
export function isAdministrative({
  scope,
  declaredScope = scope,
}: Pick<Route<never>, 'scope' | 'declaredScope'>): boolean {
  return requirementsOf(declaredScope).some((requirement) => {
    const { resource, action } = partsOf(scopeName(requirement))
    return administered.has(resource) && (action === 'write' || action === 'delete')
  })
}

/** Tells the host, and its log, of what is denied and of what administrators do. No bodies, no secrets: ids only. */
export class Audit {
  constructor(
    private readonly logger: Logger,
    private readonly now: () => string,
    private readonly callback?: AuditCallback,
  ) {}

  /** Called once for every request that has found its route. */
  record(request: AuditedRequest, outcome: AuditedOutcome, isAction: boolean): void {
    const isDenied = DENIED.has(outcome.status)
    if (!isDenied && !isAction) return
    const { caller, operationId, method, requestId, address } = request
    // An id in a path is what somebody has written there.
    const event = redact({
      type: isDenied ? 'denied' : 'action',
      at: this.now(),
      caller: { kind: caller.kind, ...(caller.userId !== undefined && { userId: caller.userId }) },
      method,
      operationId,
      resources: resourcesOf(request, 'result' in outcome ? outcome.result : undefined),
      outcome: isDenied ? 'denied' : outcome.status < 400 ? 'succeeded' : 'failed',
      status: outcome.status,
      ...('errorCode' in outcome && { errorCode: outcome.errorCode }),
      requestId,
      ...(address !== undefined && { address }),
    } satisfies AuditEvent) as AuditEvent
    if (isDenied) this.logger.warn({ audit: event }, 'A request was denied')
    else this.logger.info({ audit: event }, 'An administrative action')
    void this.tell(event)
  }

  private async tell(event: AuditEvent): Promise<void> {
    try {
      await this.callback?.(event)
    } catch (error) {
      this.logger.error({ err: error, requestId: event.requestId }, 'The audit callback has failed')
    }
  }
}

const MAX_IDS = 1000
const MAX_LENGTH = 255

function resourcesOf({ params, query, body }: AuditedRequest, result: unknown): AuditEvent['resources'] {
  const value = result instanceof Reply ? (result.value as unknown) : result
  return { ...idsIn(value), ...idsIn(query), ...idsIn(body), ...params }
}

/** Fields that are called `id`, `…Id` or `…Ids`, and hold one or several. */
function idsIn(value: unknown): Record<string, string | readonly string[]> {
  if (typeof value !== 'object' || value === null || value instanceof Response) return {}
  const ids: Record<string, string | readonly string[]> = {}
  for (const [name, field] of Object.entries(value)) {
    if (!/^id$|Ids?$/.test(name)) continue
    if (typeof field === 'string') ids[name] = field.slice(0, MAX_LENGTH)
    else if (Array.isArray(field)) {
      ids[name] = field
        .filter(isText)
        .slice(0, MAX_IDS)
        .map((id) => id.slice(0, MAX_LENGTH))
    }
  }
  return ids
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
