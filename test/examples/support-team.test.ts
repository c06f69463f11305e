import { expect, it, onTestFinished, vi } from 'vitest'
import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { supportTeam } from '../../examples/support-team.js'

it('looks the order up, asks before it pays back, and says what it has done', async () => {
  vi.stubEnv('OPENAI_API_KEY', '')
  onTestFinished(() => void vi.unstubAllEnvs())
  const agentOS = new AgentOS({ teams: [supportTeam()], storage: sqlite(':memory:') })
  onTestFinished(() => agentOS.stop())
  const paused = await agentOS.runs.create({ teamId: 'support-desk', message: 'Order 7 came broken.' })
  expect(paused).toMatchObject({ status: 'paused', memberResponses: [{ status: 'completed' }, { status: 'paused' }] })
  const [waiting] = paused.requirements!
  expect(waiting).toMatchObject({ memberAgentId: 'refunds', toolExecution: { toolName: 'refund' } })
  const run = await agentOS.runs.continue(paused.runId, { requirements: [{ id: waiting!.id, confirmation: true }] })
  expect(run).toMatchObject({ status: 'completed', content: 'I am sorry. Paid 42 euros back for order 7.' })
})
