import { z } from 'zod'
import { AgentDescription } from '../agents/description.js'
import { NotFoundError } from '../core/errors.js'
import { sliceQuery } from './pagination.js'
import { queryInt } from './query.js'
import { describeAgent, sliceById, visibleAgents } from './served-components.js'
import { route } from './services.js'
import { sliceReply } from './slice-reply.js'

const agentParams = z.object({ agentId: z.string().meta({ examples: ['support'] }) })

const agentExample = {
  id: 'support',
  name: 'Support',
  description: 'Answers questions about orders.',
  db_id: 'agentos',
  model: { name: 'gpt-5-mini', model: 'gpt-5-mini', provider: 'openai', id: 'gpt-5-mini' },
  tools: { tools: [{ name: 'lookup_order', description: 'Looks an order up.', parameters: { type: 'object' } }] },
  is_factory: false,
  is_component: false,
}

const listAgents = route({
  method: 'get',
  path: '/agents',
  operationId: 'list_agents',
  summary: 'List agents',
  description: 'In the order of registration; those that the caller may read.',
  tags: ['Agents'],
  scope: { scope: 'agents:read', list: true },
  query: z.strictObject({ limit: queryInt(1, 1000).optional(), cursor: sliceQuery().cursor }),
  response: { 200: z.array(AgentDescription) },
  examples: { response: [agentExample] },
  handler: async ({ os: { server }, caller, query }) => {
    const { data, ...rest } = sliceById(await visibleAgents(server, caller, ['agents:read']), query)
    return sliceReply({ ...rest, data: data.map((agent) => describeAgent(server, agent)) })
  },
})

const getAgent = route({
  method: 'get',
  path: '/agents/{agent_id}',
  operationId: 'get_agent',
  summary: 'Get an agent',
  tags: ['Agents'],
  scope: { scope: 'agents:read', component: 'agentId' },
  params: agentParams,
  query: z.object({
    version: queryInt(1, 2 ** 31 - 1)
      .optional()
      .meta({ description: 'Of a stored agent; one that is defined in code has no versions.' }),
  }),
  response: { 200: AgentDescription },
  errors: { 404: ['AGENT_NOT_FOUND', 'COMPONENT_VERSION_NOT_FOUND'] },
  examples: { response: agentExample },
  handler: ({ os: { server }, params: { agentId }, query: { version } }) => {
    const agent = server.catalog.agent(agentId)
    if (version !== undefined) throw versionNotFound(agentId, version)
    return describeAgent(server, agent)
  },
})

function versionNotFound(id: string, version: number): NotFoundError {
  return new NotFoundError(
    'COMPONENT_VERSION_NOT_FOUND',
    `Agent "${id}" is defined in code and has no version ${version}; leave version out.`,
  )
}

export const agentRoutes = [listAgents, getAgent]
