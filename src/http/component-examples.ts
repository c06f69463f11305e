/** Examples of what components are made of, spelled as on the wire. */
const agent = {
  id: 'support',
  name: 'Support',
  description: 'Answers questions about orders.',
  db_id: 'agentos',
  model: { name: 'gpt-5-mini', model: 'gpt-5-mini', provider: 'openai', id: 'gpt-5-mini' },
  tools: { tools: [{ name: 'lookup_order', description: 'Looks an order up.', parameters: { type: 'object' } }] },
  is_factory: false,
  is_component: false,
}

const { tools: _tools, db_id: _db, ...member } = agent

const team = {
  id: 'desk',
  name: 'Desk',
  db_id: 'agentos',
  model: agent.model,
  is_factory: false,
  is_component: false,
  mode: 'route',
  members: [member],
}

const summary = { id: 'release', name: 'Release', db_id: 'agentos', is_factory: false, is_component: false }

export const componentExamples = {
  agent: { listed: agent, described: agent },
  team: { listed: team, described: team },
  workflow: {
    listed: summary,
    described: { ...summary, steps: [{ name: 'publish', type: 'Function' }], workflow_agent: false },
  },
}
