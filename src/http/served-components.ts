import { z } from 'zod'
import type { AgentDescription } from '../agents/description.js'
import type { Runnable } from '../agents/runnable.js'
import type { Caller } from '../core/caller.js'
import { decodeCursor, encodeCursor } from '../core/cursor.js'
import type { Slice } from '../core/page.js'
import type { Scope } from '../core/scopes.js'
import type { ServerDescription } from './services.js'

/** The agents on which the caller holds any of the scopes, in the order of registration. */
export async function visibleAgents(
  { catalog, access }: ServerDescription,
  caller: Caller,
  scopes: readonly Scope[],
): Promise<Runnable[]> {
  const visible: Runnable[] = []
  for (const agent of catalog.agents) {
    for (const scope of scopes) {
      if (!(await access.may(caller, scope, agent.id))) continue
      visible.push(agent)
      break
    }
  }
  return visible
}

/** An agent as clients see it. One that can't be described says why, and does not spoil a list. */
export function describeAgent(server: ServerDescription, agent: Runnable): AgentDescription {
  try {
    return { ...agent.describe(), dbId: server.database.id }
  } catch (error) {
    const { id, name } = agent
    return { id, name, metadata: { error: String(error) }, isFactory: false, isComponent: false }
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
