import { z } from 'zod'
import type { AgentDescription } from '../agents/description.js'
import type { Caller } from '../core/caller.js'
import { UserJsonObject } from '../core/schema.js'
import { describeAgent, visibleAgents } from './served-components.js'
import type { ServerDescription } from './services.js'

export const ServedModel = z.object({ id: z.string().optional(), provider: z.string().optional() })
export type ServedModel = z.infer<typeof ServedModel>

const component = { id: z.string(), name: z.string().optional(), description: z.string().optional() }

/** Where one kind of record is kept; the default table comes first. */
const Domain = z
  .object({
    displayName: z.string().optional(),
    dbs: z.array(
      z.object({
        dbId: z.string(),
        domainConfig: z.object({ displayName: z.string().optional() }).optional(),
        tables: z.array(z.string()).optional(),
      }),
    ),
  })
  .meta({ id: 'Domain' })

/** What a server is made of. */
export const OsConfig = z
  .object({
    osId: z.string(),
    name: z.string().optional(),
    description: z.string().optional(),
    /** `provider:id`. */
    availableModels: z.array(z.string()).optional(),
    /** Id of the server's own database. */
    osDatabase: z.string().optional(),
    databases: z.array(z.string()),
    session: Domain.optional(),
    agents: z.array(
      z.object({
        ...component,
        dbId: z.string().optional(),
        model: ServedModel.optional(),
        metadata: UserJsonObject.optional(),
      }),
    ),
    teams: z.array(z.object(component)),
    workflows: z.array(z.object(component)),
    interfaces: z.array(z.object({ type: z.string(), version: z.string(), route: z.string() })),
  })
  .meta({ id: 'OsConfig' })
export type OsConfig = z.infer<typeof OsConfig>

/** What the server is made of, as far as the caller may read or run it. */
export async function osConfig(server: ServerDescription, caller: Caller): Promise<OsConfig> {
  const { id, name, description, database, furtherDatabases } = server
  const visible = await visibleAgents(server, caller, ['agents:read', 'agents:run'])
  const agents = visible.map((one) => describeAgent(server, one))
  return {
    osId: id,
    name,
    description,
    availableModels: modelsOf(agents).map(({ provider, id: model }) => `${provider}:${model}`),
    osDatabase: database.id,
    databases: [database, ...furtherDatabases].map((one) => one.id).toSorted(),
    session: {
      dbs: [{ dbId: database.id, domainConfig: { displayName: database.id }, tables: [database.tables.sessions] }],
    },
    agents: agents.map((agent) => ({
      id: agent.id,
      name: agent.name,
      description: agent.description,
      dbId: agent.dbId,
      model: agent.model && toServedModel(agent.model),
      metadata: agent.metadata,
    })),
    teams: [],
    workflows: [],
    interfaces: [],
  }
}

/** The models in use, each once, in the order in which they are met. */
export function modelsOf(agents: readonly AgentDescription[]): ServedModel[] {
  const unique = new Map<string, ServedModel>()
  for (const { model } of agents) {
    if (!model) continue
    const served = toServedModel(model)
    unique.set(JSON.stringify(served), unique.get(JSON.stringify(served)) ?? served)
  }
  return [...unique.values()]
}

function toServedModel({ id, model, provider }: NonNullable<AgentDescription['model']>): ServedModel {
  return { id: id ?? model, provider }
}
