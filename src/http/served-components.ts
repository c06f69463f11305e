import { z } from 'zod'
import type { AgentDescription, TeamDescription } from '../agents/description.js'
import type { ComponentKind } from '../agents/log/source.js'
import type { Runnable } from '../agents/runnable.js'
import type { WorkflowDescription } from '../agents/workflow-description.js'
import type { Caller } from '../core/caller.js'
import { decodeCursor, encodeCursor } from '../core/cursor.js'
import type { Slice } from '../core/page.js'
import type { ScopeAction } from '../core/scopes.js'
import type { ServerDescription } from './services.js'

/** The components of a kind on which the caller may do any of this, in the order of registration. */
export async function visibleComponents(
  { catalog, access }: ServerDescription,
  caller: Caller,
  kind: ComponentKind,
  actions: readonly ScopeAction[],
): Promise<Runnable[]> {
  const visible: Runnable[] = []
  for (const component of catalog.all(kind)) {
    for (const action of actions) {
      if (!(await access.may(caller, `${kind}s:${action}`, component.id))) continue
      visible.push(component)
      break
    }
  }
  return visible
}

/** A component as clients see it. One that can't be described says why, and does not spoil a list. */
export function describeComponent(
  server: ServerDescription,
  component: Runnable,
): AgentDescription | TeamDescription | WorkflowDescription {
  try {
    return { ...component.describe(), dbId: server.database.id }
  } catch (error) {
    const { id, name } = component
    return { id, name, metadata: { error: String(error) }, isFactory: false, isComponent: false, workflowAgent: false }
  }
}

/** A part of a list that is in memory, by the ids of its items. */
export function sliceById<Item extends { id: string }>(
  items: readonly Item[],
  { limit = items.length, cursor }: { limit?: number; cursor?: string },
): Slice<Item> {
  const start = cursor === undefined ? 0 : placeAfter(items, cursor)
  const data = items.slice(start, start + limit)
  const isLast = start + data.length === items.length
  return {
    data,
    totalCount: items.length,
    ...(!isLast && { nextCursor: encodeCursor({ after: data.at(-1)?.id }) }),
  }
}

function placeAfter(items: readonly { id: string }[], cursor: string): number {
  const isThere = (after: string): boolean => items.some(({ id }) => id === after)
  const { after } = decodeCursor(cursor, z.object({ after: z.string().refine(isThere) }))
  return items.findIndex(({ id }) => id === after) + 1
}
