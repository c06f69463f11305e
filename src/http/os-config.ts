import { z } from 'zod'
import { TEAM_MODES } from '../agents/description.js'
import type { AgentDescription, TeamDescription } from '../agents/description.js'
import type { ComponentKind } from '../agents/log/source.js'
import type { Runnable } from '../agents/runnable.js'
import { WorkflowSummary } from '../agents/workflow-description.js'
import type { Caller } from '../core/caller.js'
import { UserJsonObject } from '../core/schema.js'
import { describeComponent, visibleComponents } from './served-components.js'
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
    teams: z.array(
      z.object({
        ...component,
        dbId: z.string().optional(),
        mode: z.enum(TEAM_MODES).optional(),
        model: ServedModel.optional(),
      }),
    ),
    workflows: z.array(WorkflowSummary),
    interfaces: z.array(z.object({ type: z.string(), version: z.string(), route: z.string() })),
  })
  .meta({ id: 'OsConfig' })
export type OsConfig = z.infer<typeof OsConfig>

/** What the server is made of, as far as the caller may read or run it. */
export async function osConfig(server: ServerDescription, caller: Caller): Promise<OsConfig> {
  const { id, name, description, database, furtherDatabases } = server
  const visible = (kind: ComponentKind) => visibleComponents(server, caller, kind, ['read', 'run'])
  const byKind = await Promise.all([visible('agent'), visible('team'), visible('workflow')])
  const [agents, teams, workflows] = byKind.map((ones) => ones.map((one) => describeComponent(server, one))) as [
    AgentDescription[],
    TeamDescription[],
    WorkflowSummary[],
  ]
  const all = byKind.flat()
  return {
    osId: id,
    name,
    description,
    availableModels: modelsOf(server, all).map(({ provider, id: model }) => `${provider}:${model}`),
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
    teams: teams.map((team) => ({
      id: team.id,
      name: team.name,
      description: team.description,
      dbId: team.dbId,
      mode: team.mode,
      model: team.model && toServedModel(team.model),
    })),
    workflows,
    interfaces: [],
  }
}

/** The models in use, also those of members and steps: each once, in the order in which they are met. */
export function modelsOf(server: ServerDescription, components: readonly Runnable[]): ServedModel[] {
  const unique = new Map<string, ServedModel>()
  for (const component of everyComponent(components)) {
    const { model } = describeComponent(server, component) as AgentDescription
    if (!model) continue
    const served = toServedModel(model)
    unique.set(JSON.stringify(served), unique.get(JSON.stringify(served)) ?? served)
  }
  return [...unique.values()]
}

function everyComponent(components: readonly Runnable[]): Runnable[] {
  return components.flatMap((one) => [one, ...everyComponent(one.members ?? [])])
}

function toServedModel({ id, model, provider }: NonNullable<AgentDescription['model']>): ServedModel {
  return { id: id ?? model, provider }
}
