import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'

function served() {
  const look = tool({ name: 'look', execute: () => 'seen' })
  const model = scripted([{ toolCalls: [{ name: 'look', id: 'call_1' }] }, 'Done.'])
  const agents = [new Agent({ id: 'my-agent', model, tools: [look] }), new Agent({ id: 'other', model })]
  return testAgentOS(model, { agents })
}

async function get(agentOS: AgentOS, path: string) {
  const response = await agentOS.fetch(new Request(`http://host${path}`))
  return { status: response.status, body: (await response.json()) as Record<string, never> }
}

describe('GET …/checkpoints', () => {
  it('lists the points from which the run can be continued', async () => {
    const agentOS = served()
    const { runId, sessionId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const path = `/agents/my-agent/runs/${runId}/checkpoints`
    const { status, body } = await get(agentOS, `${path}?session_id=${sessionId}`)
    expect(status).toBe(200)
    expect(body).toEqual({
      run_id: runId,
      session_id: sessionId,
      checkpoints: [1, 3, 4].map((index, at) => ({
        checkpoint_id: String(at + 1),
        run_id: runId,
        session_id: sessionId,
        message_index: index,
        continue_from: index,
        status: index === 4 ? 'completed' : 'running',
        reason: index === 4 ? 'end' : 'checkpoint',
        created_at: expect.stringMatching(/Z$/),
        message_id: expect.stringMatching(/^msg_/),
        message_role: ['user', 'tool', 'assistant'][at],
        message_preview: ['Hi', 'seen', 'Done.'][at],
        is_latest: index === 4,
      })),
    })
  })

  it('gives the run at a checkpoint, at the boundary that it was moved to', async () => {
    const agentOS = served()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const { status, body } = await get(agentOS, `/agents/my-agent/runs/${runId}/checkpoints/2`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      checkpoint: { message_index: 1, continue_from: 1 },
      snapshot: { run_id: runId, status: 'running', messages: [{ role: 'user', content: 'Hi' }] },
    })
  })

  it.each([
    ['-1', 422, 'CHECKPOINT_OUT_OF_RANGE'],
    ['5', 422, 'CHECKPOINT_OUT_OF_RANGE'],
    ['999999999999', 422, 'CHECKPOINT_OUT_OF_RANGE'],
    ['1.5', 422, 'VALIDATION_ERROR'],
    ['last', 422, 'VALIDATION_ERROR'],
  ])('answers /%s with %i %s', async (index, status, code) => {
    const agentOS = served()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    const answer = await get(agentOS, `/agents/my-agent/runs/${runId}/checkpoints/${index}`)
    expect(answer).toMatchObject({ status, body: { error_code: code } })
  })

  it.each(['', '/1'])('knows no run of another agent or session, and none that is not there: …%s', async (rest) => {
    const agentOS = served()
    const { runId } = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
    for (const path of [
      `/agents/other/runs/${runId}/checkpoints${rest}`,
      `/agents/my-agent/runs/${runId}/checkpoints${rest}?session_id=another`,
      `/agents/my-agent/runs/run_nobody/checkpoints${rest}`,
    ]) {
      expect(await get(agentOS, path)).toMatchObject({ status: 404, body: { error_code: 'RUN_NOT_FOUND' } })
    }
    const nobody = await get(agentOS, `/agents/nobody/runs/${runId}/checkpoints${rest}`)
    expect(nobody).toMatchObject({ status: 404, body: { error_code: 'AGENT_NOT_FOUND' } })
  })
})
