import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { branch, loop, map, parallel, router, sequence, sleep, step, stop, Team, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { names, serve, talker, told } from './support.js'

const upper = step({ name: 'upper', run: (text: string) => text.toUpperCase() })
const exclaim = step({ name: 'exclaim', run: (text: string) => `${text}!` })

describe('steps one after the other', () => {
  it('show their events in order, and the record holds what came of each', async () => {
    const { stream, get } = serve(sequence('all', upper, exclaim))
    const events = await stream('hi')
    expect(told(events)).toEqual([
      'WorkflowStarted',
      'StepStarted upper 0',
      'StepOutput upper 0',
      'StepCompleted upper 0',
      'StepStarted exclaim 1',
      'StepOutput exclaim 1',
      'StepCompleted exclaim 1',
      'WorkflowCompleted',
    ])
    expect(events.map(({ event_index }) => event_index)).toEqual(events.map((_, index) => index))
    const upperOutput = {
      step_name: 'upper',
      step_id: 'upper',
      step_type: 'Function',
      executor_type: 'function',
      executor_name: 'upper',
      content: 'HI',
      success: true,
      stop: false,
      is_paused: false,
    }
    expect(events[3]).toMatchObject({
      content: 'HI',
      content_type: 'str',
      step_response: upperOutput,
      step_name: 'upper',
    })
    expect(events.at(-1)).toMatchObject({ status: 'completed', content: 'HI!', content_type: 'str' })
    const run = await get(events[0].run_id)
    expect(run).toMatchObject({
      workflow_id: 'flow',
      workflow_name: 'flow',
      status: 'completed',
      input: 'hi',
      content: 'HI!',
      step_results: [upperOutput, { step_id: 'exclaim', content: 'HI!' }],
      metrics: { steps: { upper: { step_name: 'upper', executor_type: 'function', executor_name: 'upper' } } },
    })
    expect(run.step_results).toHaveLength(2)
    expect(run).not.toHaveProperty('messages')
    expect(run).not.toHaveProperty('tools')
    expect(run).not.toHaveProperty('requirements')
  })

  it('inside of another step name that as their parent', async () => {
    const { stream } = serve(sequence('all', sequence('inner', upper, exclaim), upper))
    expect(told(await stream('a'))).toEqual([
      'WorkflowStarted',
      'StepsExecutionStarted inner 0',
      'StepStarted inner/upper [0,0] in inner',
      'StepOutput inner/upper [0,0] in inner',
      'StepCompleted inner/upper [0,0] in inner',
      'StepStarted inner/exclaim [0,1] in inner',
      'StepOutput inner/exclaim [0,1] in inner',
      'StepCompleted inner/exclaim [0,1] in inner',
      'StepsExecutionCompleted inner 0',
      'StepStarted upper 1',
      'StepOutput upper 1',
      'StepCompleted upper 1',
      'WorkflowCompleted',
    ])
  })

  it('end where one of them stops, also from inside of another', async () => {
    const check = step({
      name: 'check',
      output: z.object({ paid: z.boolean() }),
      run: () => stop('Not paid.') as never,
    })
    const { run } = serve(sequence('all', sequence('inner', check as never, upper), exclaim))
    const ended = await run()
    expect(ended).toMatchObject({ status: 'completed', content: 'Not paid.' })
    expect(ended.step_results).toMatchObject([
      { step_id: 'inner', stop: true, steps: [{ step_id: 'inner/check', stop: true }] },
    ])
  })
})

describe('steps that run something', () => {
  it('show the events of an agent with the step that they are part of', async () => {
    const writer = talker('writer', 'A text.')
    const draft = step({ name: 'draft', agent: writer, prompt: (topic: string) => `Write about ${topic}.` })
    const storage = sqlite(':memory:')
    const { stream, get } = serve(sequence('all', draft, upper), { storage })
    const events = await stream('tea', { session_id: 's' })
    expect(names(events)).toEqual([
      'WorkflowStarted',
      'StepStarted',
      'RunStarted',
      'ModelRequestStarted',
      ...events.filter(({ event }) => event === 'RunContent').map(() => 'RunContent'),
      'ModelRequestCompleted',
      'RunContentCompleted',
      'RunCompleted',
      'StepCompleted',
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'WorkflowCompleted',
    ])
    const runId = events[0].run_id as string
    for (const event of events.filter(({ agent_id }) => agent_id !== undefined)) {
      expect(event).toMatchObject({
        agent_id: 'writer',
        parent_run_id: runId,
        workflow_id: 'flow',
        workflow_run_id: runId,
        step_id: 'draft',
        step_name: 'draft',
        step_index: 0,
        nested_depth: 0,
      })
      expect(event.run_id).not.toBe(runId)
    }
    const run = await get(runId)
    expect(run.step_executor_runs).toMatchObject([
      { agent_id: 'writer', status: 'completed', parent_run_id: runId, input: { input_content: 'Write about tea.' } },
    ])
    expect(run.step_results[0]).toMatchObject({
      executor_type: 'agent',
      step_run_id: run.step_executor_runs[0].run_id,
      metrics: { total_tokens: expect.any(Number) },
    })
    const session = await storage.sessions.get(fullCaller, 's')
    expect(session?.metrics.totalTokens).toBe(run.metrics.total_tokens)
    expect(run.metrics.steps.draft.metrics.total_tokens).toBe(run.metrics.total_tokens)
  })

  it('show a team with its members', async () => {
    const leader = scripted(({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? 'All said.'
        : { toolCalls: [{ name: 'delegate_task_to_member', arguments: { member_id: 'writer', task: 'Write.' } }] },
    )
    const crew = new Team({ id: 'crew', model: leader, members: [talker('writer', 'A text.')] })
    const { stream } = serve(step({ name: 'work', team: crew }))
    const events = await stream()
    const shown = names(events)
    expect(shown.slice(0, 3)).toEqual(['WorkflowStarted', 'StepStarted', 'TeamRunStarted'])
    expect(shown).toContain('RunStarted')
    expect(shown.slice(-3)).toEqual(['TeamRunCompleted', 'StepCompleted', 'WorkflowCompleted'])
    const member = events.find(({ event }) => event === 'RunStarted')
    expect(member).toMatchObject({ agent_id: 'writer', workflow_id: 'flow', step_id: 'work' })
    expect(events.at(-1)).toMatchObject({ content: 'All said.', step_executor_runs: [{ team_id: 'crew' }] })
  })

  it('show a workflow inside of a workflow one deeper, inside of its step', async () => {
    const inner = new Workflow({ id: 'inner', steps: sequence('steps', upper, exclaim) })
    const { stream, get } = serve(sequence('all', step({ name: 'host', workflow: inner }), upper))
    const events = await stream('a')
    const id = events.find(({ workflow_id }) => workflow_id === 'inner').run_id as string
    expect(told(events)).toEqual([
      'WorkflowStarted',
      'StepStarted host 0',
      'WorkflowStarted in host depth 1',
      `StepStarted ${id}/upper 0 in host depth 1`,
      `StepOutput ${id}/upper 0 in host depth 1`,
      `StepCompleted ${id}/upper 0 in host depth 1`,
      `StepStarted ${id}/exclaim 1 in host depth 1`,
      `StepOutput ${id}/exclaim 1 in host depth 1`,
      `StepCompleted ${id}/exclaim 1 in host depth 1`,
      'WorkflowCompleted in host depth 1',
      'StepCompleted host 0',
      'StepStarted upper 1',
      'StepOutput upper 1',
      'StepCompleted upper 1',
      'WorkflowCompleted',
    ])
    const run = await get(events[0].run_id)
    expect(run.step_executor_runs).toMatchObject([
      { run_id: id, workflow_id: 'inner', workflow_name: 'inner', parent_run_id: events[0].run_id, content: 'A!' },
    ])
  })

  it('fail when the workflow inside does not take what it is given', async () => {
    const inner = new Workflow({
      id: 'inner',
      input: z.object({ n: z.number() }),
      steps: step({ name: 'n', run: () => 1 }),
    })
    const { run } = serve(step({ name: 'host', workflow: inner }))
    expect(await run('no number')).toMatchObject({ status: 'error', error: { error_code: 'INPUT_CHECK_FAILED' } })
  })
})

describe('steps that hold others', () => {
  it('run the branches of a parallel at once, and give what came of each by its key', async () => {
    const both = parallel('both', { loud: upper, sure: exclaim })
    const { stream } = serve(both)
    const events = await stream('a')
    expect(told(events)[1]).toBe('ParallelExecutionStarted both 0')
    expect(events[1]).toMatchObject({ parallel_step_count: 2 })
    expect(told(events).slice(2, -2).toSorted()).toEqual([
      'StepCompleted both/exclaim [0,1] in both',
      'StepCompleted both/upper [0,0] in both',
      'StepOutput both/exclaim [0,1] in both',
      'StepOutput both/upper [0,0] in both',
      'StepStarted both/exclaim [0,1] in both',
      'StepStarted both/upper [0,0] in both',
    ])
    expect(events.at(-2)).toMatchObject({
      event: 'ParallelExecutionCompleted',
      step_results: [{ content: 'A' }, { content: 'a!' }],
    })
    expect(events.at(-1)).toMatchObject({ content: { loud: 'A', sure: 'a!' }, content_type: 'dict' })
  })

  it.each([
    ['hello', 'if', true, ['upper'], 'HELLO'],
    ['x', 'else', false, ['exclaim'], 'x!'],
  ])('take one way of a branch: %s', async (input, way, result, ran, content) => {
    const { stream } = serve(
      branch({ name: 'fork', if: (text: string) => text.length > 1, then: upper, else: exclaim }),
    )
    const events = await stream(input)
    expect(names(events)).toEqual([
      'WorkflowStarted',
      'ConditionExecutionStarted',
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'ConditionExecutionCompleted',
      'WorkflowCompleted',
    ])
    expect(events[1]).toMatchObject({ condition_result: result })
    expect(events[5]).toMatchObject({ condition_result: result, branch: way, executed_steps: 1 })
    expect(events[5].step_results.map(({ step_name }: { step_name: string }) => step_name)).toEqual(ran)
    expect(events.at(-1)).toMatchObject({ content })
  })

  it('go on with what was given where a branch has no other way', async () => {
    const { run } = serve(sequence('all', branch({ name: 'fork', if: () => false, then: upper }), exclaim))
    expect(await run('a')).toMatchObject({ content: 'a!', step_results: [{ step_type: 'Condition', steps: [] }, {}] })
  })

  it('go where a router sends', async () => {
    const { stream } = serve(router({ name: 'route', choices: { loud: upper, sure: exclaim }, select: () => 'sure' }))
    const events = await stream('a')
    expect(events[1]).toMatchObject({ event: 'RouterExecutionStarted', selected_steps: ['sure'] })
    expect(events.at(-2)).toMatchObject({
      event: 'RouterExecutionCompleted',
      executed_steps: 1,
      selected_steps: ['sure'],
    })
    expect(events.at(-1)).toMatchObject({ content: 'a!' })
  })

  it('fail when a router sends to nowhere', async () => {
    const { run } = serve(router({ name: 'route', choices: { a: upper }, select: () => 'b' as never }))
    expect(await run()).toMatchObject({ status: 'error', error: { error_code: 'STEP_FAILED' } })
  })

  it('run a loop until it is good', async () => {
    const { stream } = serve(
      loop({ name: 'again', step: exclaim, until: (text) => text.endsWith('!!'), maxIterations: 5 }),
    )
    const events = await stream('a')
    expect(told(events)).toEqual([
      'WorkflowStarted',
      'LoopExecutionStarted again 0',
      'LoopIterationStarted again 0',
      'StepStarted again#1/exclaim [0,0] in again',
      'StepOutput again#1/exclaim [0,0] in again',
      'StepCompleted again#1/exclaim [0,0] in again',
      'LoopIterationCompleted again 0',
      'LoopIterationStarted again 0',
      'StepStarted again#2/exclaim [0,0] in again',
      'StepOutput again#2/exclaim [0,0] in again',
      'StepCompleted again#2/exclaim [0,0] in again',
      'LoopIterationCompleted again 0',
      'LoopExecutionCompleted again 0',
      'WorkflowCompleted',
    ])
    expect(events[6]).toMatchObject({ iteration: 1, max_iterations: 5, should_continue: true })
    expect(events[11]).toMatchObject({ iteration: 2, should_continue: false, iteration_results: [{ content: 'a!!' }] })
    expect(events[12]).toMatchObject({ total_iterations: 2, all_results: [[{ content: 'a!' }], [{ content: 'a!!' }]] })
  })

  it('end a loop that has run often enough', async () => {
    const { run } = serve(loop({ name: 'again', step: exclaim, until: () => false, maxIterations: 3 }))
    expect(await run('a')).toMatchObject({ content: 'a!!!' })
  })

  it('map a list in its order, so many at once as they may', async () => {
    let atOnce = 0
    let most = 0
    const slow = step({
      name: 'slow',
      run: async (item: number) => {
        most = Math.max(most, ++atOnce)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce--
        return item * 2
      },
    })
    const flow = new Workflow({
      id: 'flow',
      input: z.array(z.number()),
      steps: map({ name: 'each', step: slow, concurrency: 2 }),
    })
    const { stream } = serve(flow)
    const events = await stream('[1,2,3,4,5]')
    expect(events[1]).toMatchObject({ event: 'MapExecutionStarted', item_count: 5 })
    expect(events.at(-2)).toMatchObject({ event: 'MapExecutionCompleted', item_count: 5 })
    expect(events.at(-1)).toMatchObject({ content: [2, 4, 6, 8, 10], content_type: 'list' })
    expect(most).toBe(2)
  })

  it('map an empty list', async () => {
    const flow = new Workflow({ id: 'flow', input: z.array(z.string()), steps: map({ name: 'each', step: upper }) })
    expect(await serve(flow).run([])).toMatchObject({ status: 'completed', content: [] })
  })

  it('sleep a moment', async () => {
    const { stream } = serve(sequence('all', sleep<string>({ name: 'rest', ms: 5 }), upper))
    const events = await stream('a')
    expect(names(events).slice(0, 3)).toEqual(['WorkflowStarted', 'SleepStarted', 'SleepCompleted'])
    expect(events[1].resume_at).toBe(events[2].resume_at)
    expect(events.at(-1)).toMatchObject({ content: 'A' })
  })
})
