import type { OsConfig, ServedModel } from '../http/os-config.js'
import { ApprovalsClient } from './approvals.js'
import { AgentsClient, TeamsClient, WorkflowsClient } from './components.js'
import { DatabasesClient } from './databases.js'
import type { AgentOSClientOptions, RequestOptions } from './options.js'
import { RunsClient } from './runs.js'
import { ServiceAccountsClient } from './service-accounts.js'
import type { ApiInfo, Health, ServerInfo } from './server-info.js'
import { SessionsClient } from './sessions.js'
import { Transport } from './transport.js'

/**
 * An AgentOS over HTTP, from a browser, Node or an edge runtime. What it takes and returns is spelled as on the server,
 * and is of the same types.
 *
 * @example
 * ```ts
 * const client = new AgentOSClient({ baseUrl: 'https://example.com/os', token: () => session.accessToken })
 * for await (const event of client.runs.stream({ agentId: 'support', message: 'Where is order 7?' })) {
 *   if (event.event === 'RunContent') show(event.content)
 * }
 * ```
 */
export class AgentOSClient {
  readonly runs: RunsClient
  readonly sessions: SessionsClient
  readonly agents: AgentsClient
  readonly teams: TeamsClient
  readonly workflows: WorkflowsClient
  readonly approvals: ApprovalsClient
  readonly serviceAccounts: ServiceAccountsClient
  readonly databases: DatabasesClient
  private readonly transport: Transport

  constructor(options: AgentOSClientOptions) {
    this.transport = new Transport(options)
    this.runs = new RunsClient(this.transport)
    this.sessions = new SessionsClient(this.transport)
    this.agents = new AgentsClient(this.transport)
    this.teams = new TeamsClient(this.transport)
    this.workflows = new WorkflowsClient(this.transport)
    this.approvals = new ApprovalsClient(this.transport)
    this.serviceAccounts = new ServiceAccountsClient(this.transport)
    this.databases = new DatabasesClient(this.transport)
  }

  /** Whether the server is up; with `ready`, whether it reaches its database too. */
  async health({ ready, signal }: { ready?: boolean } & RequestOptions = {}): Promise<Health> {
    // Whoever asks wants to know how it is now.
    const call = { params: {}, query: { ready }, signal, isRepeatable: false }
    return (await this.transport.call('health_check', call)).value as Health
  }

  /** What answers at `baseUrl`. */
  async api({ signal }: RequestOptions = {}): Promise<ApiInfo> {
    return (await this.transport.call('get_api_info', { params: {}, signal })).value as ApiInfo
  }

  /** What a tool needs to know to talk to the server. */
  async info({ signal }: RequestOptions = {}): Promise<ServerInfo> {
    return (await this.transport.call('get_info', { params: {}, signal })).value as ServerInfo
  }

  /** What the server is made of, as far as the caller may use it. */
  async config({ signal }: RequestOptions = {}): Promise<OsConfig> {
    return (await this.transport.call('get_config', { params: {}, signal })).value as OsConfig
  }

  /** The models in use. */
  async models({ signal }: RequestOptions = {}): Promise<ServedModel[]> {
    return (await this.transport.call('get_models', { params: {}, signal })).value as ServedModel[]
  }
}
