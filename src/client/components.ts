import type { AgentDescription, TeamDescription } from '../agents/description.js'
import type { WorkflowDescription, WorkflowSummary } from '../agents/workflow-description.js'
import type { Slice } from '../core/page.js'
import type { RequestOptions } from './options.js'
import { sliceOf } from './slice.js'
import type { Transport } from './transport.js'

type Part = { limit?: number; cursor?: string } & RequestOptions
type Version = { version?: number } & RequestOptions

/** The agents that can be run. */
export class AgentsClient {
  constructor(private readonly transport: Transport) {}

  /** Agents that the caller may read, in the order of registration. */
  async list({ signal, ...query }: Part = {}): Promise<Slice<AgentDescription>> {
    return sliceOf<AgentDescription>(await this.transport.call('list_agents', { params: {}, query, signal }))
  }

  /** @param options.version of a stored agent. */
  async get(agentId: string, { version, signal }: Version = {}): Promise<AgentDescription> {
    const call = { params: { agentId }, query: { version }, signal }
    return (await this.transport.call('get_agent', call)).value as AgentDescription
  }
}

/** The teams that can be run. */
export class TeamsClient {
  constructor(private readonly transport: Transport) {}

  /** Teams that the caller may read, in the order of registration. */
  async list({ signal, ...query }: Part = {}): Promise<Slice<TeamDescription>> {
    return sliceOf<TeamDescription>(await this.transport.call('list_teams', { params: {}, query, signal }))
  }

  /** @param options.version of a stored team. */
  async get(teamId: string, { version, signal }: Version = {}): Promise<TeamDescription> {
    const call = { params: { teamId }, query: { version }, signal }
    return (await this.transport.call('get_team', call)).value as TeamDescription
  }
}

/** The workflows that can be run. */
export class WorkflowsClient {
  constructor(private readonly transport: Transport) {}

  /** Workflows that the caller may read, in the order of registration. */
  async list({ signal, ...query }: Part = {}): Promise<Slice<WorkflowSummary>> {
    return sliceOf<WorkflowSummary>(await this.transport.call('list_workflows', { params: {}, query, signal }))
  }

  /** A workflow with its steps. @param options.version of a stored workflow. */
  async get(workflowId: string, { version, signal }: Version = {}): Promise<WorkflowDescription> {
    const call = { params: { workflowId }, query: { version }, signal }
    return (await this.transport.call('get_workflow', call)).value as WorkflowDescription
  }
}
