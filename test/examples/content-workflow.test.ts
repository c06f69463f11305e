import { expect, it, onTestFinished, vi } from 'vitest'
import { AgentOS } from 'agentos-sdk'
import { sqlite } from 'agentos-sdk/storage'
import { contentWorkflow } from '../../examples/content-workflow.js'

function serve(published: string[]) {
  vi.stubEnv('OPENAI_API_KEY', '')
  onTestFinished(() => void vi.unstubAllEnvs())
  const flow = contentWorkflow((article, { key }) => {
    published.push(key)
    return Promise.resolve({ url: `https://blog.example/${article.title.toLowerCase()}` })
  })
  const storage = sqlite(':memory:')
  const agentOS = new AgentOS({ workflows: [flow], storage })
  onTestFinished(() => agentOS.stop())
  return agentOS
}

it('drafts, checks at once, waits for a person, and publishes once', async () => {
  const published: string[] = []
  const agentOS = serve(published)
  const paused = await agentOS.runs.create({ workflowId: 'content', message: { topic: 'tea' } })
  expect(paused).toMatchObject({ status: 'paused', pausedStepName: 'look' })
  expect(paused.stepRequirements).toMatchObject([{ stepId: 'look', confirmationMessage: 'May this be published?' }])
  expect(paused.stepResults?.map(({ stepName }) => stepName)).toEqual(['draft', 'checks'])
  expect(published).toEqual([])
  const run = await agentOS.runs.continue(paused.runId, { stepRequirements: [{ stepId: 'look', confirmed: true }] })
  expect(run).toMatchObject({ status: 'completed', content: { title: 'Tea', url: 'https://blog.example/tea' } })
  expect(published).toEqual([`${run.runId}:publish`])
  const session = await agentOS.sessions.get(run.sessionId)
  expect(session.sessionState).toEqual({ published: 'https://blog.example/tea' })
})

it('publishes nothing when somebody says no', async () => {
  const published: string[] = []
  const agentOS = serve(published)
  const { runId } = await agentOS.runs.create({ workflowId: 'content', message: { topic: 'tea', words: 5 } })
  const run = await agentOS.runs.continue(runId, { stepRequirements: [{ stepId: 'look', confirmed: false }] })
  expect(run).toMatchObject({ status: 'cancelled' })
  expect(published).toEqual([])
})
