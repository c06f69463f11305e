import { ValidationError } from '../core/errors.js'
import type { JsonObject } from '../core/json.js'
import { SESSION_TYPES } from './session.js'
import type { Session, SessionType } from './session.js'

/** Under which key a session of each kind names its component. */
export const COMPONENT_KEY = { agent: 'agentId', team: 'teamId', workflow: 'workflowId' } as const

type ComponentIds = { [Type in SessionType as (typeof COMPONENT_KEY)[Type]]?: string | null }

/**
 * The component that a new session is bound to.
 *
 * @throws ValidationError `COMPONENT_TYPE_MISMATCH` when a component of another kind is named.
 */
export function componentOf({ type, ...ids }: ComponentIds & { type: SessionType }): string | undefined {
  for (const other of SESSION_TYPES) {
    const id = ids[COMPONENT_KEY[other]]
    if (other === type || id == null) continue
    const message = `names the ${other} "${id}", but the session is of type "${type}"`
    throw new ValidationError('COMPONENT_TYPE_MISMATCH', `${other}_id ${message}.`, [{ path: `${other}_id`, message }])
  }
  return ids[COMPONENT_KEY[type]] ?? undefined
}

/** Which component a session is bound to, as JSON that is passed on as it is: spelled as on the wire. */
export function componentSnapshot({ type, componentId, componentName }: Session): JsonObject | undefined {
  if (componentId === undefined) return undefined
  return { [`${type}_id`]: componentId, ...(componentName !== undefined && { name: componentName }) }
}
