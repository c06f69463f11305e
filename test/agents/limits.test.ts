import { describe, expect, it } from 'vitest'
import { Agent } from '../../src/agents/agent.js'
import { tool } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import { follow, quiet } from './support.js'

const again = tool({ name: 'again', execute: () => 'Once more.' })
/** Never comes to an answer. */
const restless = () =>
  scripted(() => ({ toolCalls: [{ name: 'again' }], usage: { inputTokens: 60, outputTokens: 40 } }), { record: true })

describe('limits', () => {
  it('end a run after so many model steps', async () => {
    const model = restless()
    const { names, run } = await follow(new Agent({ id: 'a', model, tools: [again], stepLimit: 4 }).stream('?', quiet))
    expect(run.error).toMatchObject({ errorCode: 'STEP_LIMIT_REACHED', retryable: false })
    expect(run.error?.message).toContain('4 model steps')
    expect(model.requests).toHaveLength(4)
    expect(names.slice(-2)).toEqual(['ToolCallCompleted', 'RunError'])
    expect(run.tools).toHaveLength(4)
  })

  it('are 50 steps by default', async () => {
    const model = restless()
    await new Agent({ id: 'a', model, tools: [again] }).run('?', quiet)
    expect(model.requests).toHaveLength(50)
  })

  it('end a run before it goes on above its token budget', async () => {
    const model = restless()
    const run = await new Agent({ id: 'a', model, tools: [again], tokenBudget: 250 }).run('?', quiet)
    expect(run.error).toMatchObject({ errorCode: 'TOKEN_BUDGET_EXCEEDED' })
    expect(run.error?.message).toContain('300 tokens')
    expect(model.requests).toHaveLength(3)
  })

  it('never spoil an answer that is there', async () => {
    const model = scripted({ content: 'Done.', usage: { inputTokens: 1_000 } })
    const run = await new Agent({ id: 'a', model, stepLimit: 1, tokenBudget: 10 }).run('?')
    expect(run.status).toBe('completed')
  })

  it('free the model after a call that it was forced to make', async () => {
    const model = scripted([{ toolCalls: [{ name: 'again' }] }, 'Done.'], { record: true })
    await new Agent({ id: 'a', model, tools: [again], toolChoice: 'required' }).run('?')
    expect(model.requests.map(({ toolChoice }) => toolChoice)).toEqual(['required', undefined])
  })
})
