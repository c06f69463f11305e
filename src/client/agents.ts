import type { AgentDescription } from '../agents/description.js'
import type { Slice } from '../core/page.js'
import type { RequestOptions } from './options.js'
import { sliceOf } from './slice.js'
import type { Transport } from './transport.js'

/** What can be run. */
export class AgentsClient {
  constructor(private readonly transport: Transport) {}

  /** Agents that the caller may read, in the order of registration. */
  async list({ signal, ...query }: { limit?: number; cursor?: string } & RequestOptions = {}): Promise<
    Slice<AgentDescription>
  > {
    return sliceOf<AgentDescription>(await this.transport.call('list_agents', { params: {}, query, signal }))
  }

  /** @param options.version of a stored agent. */
  async get(
    agentId: string,
    { version, signal }: { version?: number } & RequestOptions = {},
  ): Promise<AgentDescription> {
    const call = { params: { agentId }, query: { version }, signal }
    return (await this.transport.call('get_agent', call)).value as AgentDescription
  }
}
