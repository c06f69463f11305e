import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  Agent,
  approval,
  branch,
  humanInput,
  loop,
  parallel,
  router,
  sequence,
  sleep,
  step,
  waitForEvent,
  Workflow,
} from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { careful, names, serve, told } from './support.js'

const upper = step({ name: 'upper', run: (text: string) => text.toUpperCase() })
const exclaim = step({ name: 'exclaim', run: (text: string) => `${text}!` })

describe('a step that waits for a yes', () => {
  const asked = (onReject?: 'skip' | 'cancel') =>
    sequence(
      'all',
      upper,
      step({ name: 'send', run: (t: string) => `sent ${t}`, confirm: { message: 'Send?', onReject } }),
    )

  it('pauses before it starts, and goes on at it', async () => {
    const { stream, goStream, get } = serve(asked())
    const events = await stream('a')
    expect(told(events).slice(4)).toEqual(['StepPaused send 1', 'WorkflowPaused'])
    expect(events.at(-2)).toMatchObject({
      requires_confirmation: true,
      confirmation_message: 'Send?',
      requires_user_input: false,
    })
    const paused = events.at(-1)
    expect(paused).toMatchObject({
      status: 'paused',
      pause_kind: 'step',
      paused_step_name: 'send',
      paused_step_index: 1,
      step_requirements: [
        { step_id: 'send', step_type: 'Function', requires_confirmation: true, confirmed: null, on_reject: 'cancel' },
      ],
    })
    expect(paused.step_results).toHaveLength(1)
    const runId = paused.run_id as string
    expect(await get(runId)).toMatchObject({ status: 'paused', pause_kind: 'step', paused_step_name: 'send' })
    const rest = await goStream(runId, { step_requirements: [{ step_id: 'send', confirmed: true }] })
    expect(told(rest)).toEqual([
      'StepContinued send 1',
      'StepStarted send 1',
      'StepOutput send 1',
      'StepCompleted send 1',
      'WorkflowCompleted',
    ])
    expect(rest[0].event_index).toBe(paused.event_index + 1)
    const run = await get(runId)
    expect(run).toMatchObject({
      status: 'completed',
      content: 'sent A',
      step_requirements: [{ step_id: 'send', confirmed: true }],
    })
    expect(run).not.toHaveProperty('pause_kind')
  })

  it('is passed over or ends the run on a no', async () => {
    const skip = serve(asked('skip'))
    const first = await skip.run('a')
    const skipped = await skip.go(first.run_id, {
      step_requirements: [{ step_id: 'send', confirmed: false, rejection_feedback: 'no' }],
    })
    expect(skipped.body).toMatchObject({
      status: 'completed',
      content: 'A',
      step_requirements: [{ confirmed: false, rejection_feedback: 'no' }],
    })
    const cancel = serve(asked())
    const second = await cancel.run('a')
    const ended = await cancel.goStream(second.run_id, { step_requirements: [{ step_id: 'send', confirmed: false }] })
    expect(names(ended)).toEqual(['StepContinued', 'WorkflowCancelled'])
    expect(await cancel.get(second.run_id)).toMatchObject({ status: 'cancelled' })
  })

  it('takes the other way of a branch on a no', async () => {
    const fork = branch({ name: 'fork', if: () => true, then: upper, else: exclaim, confirm: { onReject: 'else' } })
    const { run, goStream } = serve(fork)
    const { run_id } = await run('a')
    const events = await goStream(run_id, { step_requirements: [{ step_id: 'fork', confirmed: false }] })
    expect(names(events)[1]).toBe('ConditionExecutionStarted')
    expect(events.at(-1)).toMatchObject({ content: 'a!' })
  })

  it('changes nothing while it is undecided, and refuses what it did not ask for', async () => {
    const { run, go, get } = serve(asked())
    const paused = await run('a')
    for (const [body, status, code] of [
      [{}, 409, 'RUN_REQUIREMENTS_UNRESOLVED'],
      [{ step_requirements: [] }, 409, 'RUN_REQUIREMENTS_UNRESOLVED'],
      [{ step_requirements: [{ step_id: 'send', confirmed: null }] }, 409, 'RUN_REQUIREMENTS_UNRESOLVED'],
      [{ step_requirements: [{ step_id: 'nowhere', confirmed: true }] }, 422, 'INVALID_STEP_REQUIREMENT'],
      [{ step_requirements: [{ step_id: 'send', edited_output: 'x' }] }, 422, 'INVALID_STEP_REQUIREMENT'],
      [{ error_requirements: [{ step_id: 'send', decision: 'retry' }] }, 422, 'INVALID_STEP_REQUIREMENT'],
    ] as const) {
      const answer = await go(paused.run_id, body)
      expect([answer.status, answer.body.error_code]).toEqual([status, code])
    }
    expect(await get(paused.run_id)).toEqual(paused)
  })

  it('takes nothing but the decision', async () => {
    const { run, go } = serve(asked())
    const paused = await run('a')
    const tampered = {
      ...paused.step_requirements[0],
      confirmed: true,
      on_reject: 'skip',
      step_name: 'other',
      step_type: 'Loop',
      requires_output_review: true,
    }
    const { body } = await go(paused.run_id, { step_requirements: [tampered] })
    expect(body.step_requirements).toEqual([{ ...paused.step_requirements[0], confirmed: true }])
  })

  it('goes on once, of many who say yes at once', async () => {
    let sent = 0
    const { run, go } = serve(step({ name: 'send', run: () => ++sent, confirm: {} }))
    const { run_id } = await run('a')
    const yes = { step_requirements: [{ step_id: 'send', confirmed: true }] }
    const answers = await Promise.all(Array.from({ length: 10 }, () => go(run_id, yes)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
    expect(sent).toBe(1)
  })

  it('is decided by the clock when nobody does', async () => {
    for (const [onTimeout, status, content] of [
      ['approve', 'completed', 'sent a'],
      ['skip', 'completed', 'a'],
      ['cancel', 'cancelled', undefined],
    ] as const) {
      const send = step({ name: 'send', run: (t: string) => `sent ${t}`, confirm: { timeoutMs: 30, onTimeout } })
      const later = approval<string>({ name: 'later' })
      const { run, until, go } = serve(sequence('all', send, later))
      const paused = await run('a')
      expect(paused.step_requirements[0].timeout_at).toEqual(expect.any(String))
      const next = await until(
        paused.run_id,
        ({ status: now, paused_step_name: at }) => now === 'cancelled' || at === 'later',
      )
      // What the clock has decided asks nobody any more.
      const decided = { step_requirements: [{ step_id: 'later', confirmed: true }] }
      const end = next.status === 'paused' ? (await go(paused.run_id, decided)).body : next
      expect(end).toMatchObject({ status, ...(content !== undefined && { content }) })
    }
  })
})

describe('a step that asks for something', () => {
  const Address = z.object({ city: z.string(), floor: z.number().int().optional(), way: z.enum(['air', 'sea']) })

  it('takes a form that fits, and no other', async () => {
    const ask = humanInput({ name: 'ask', fields: Address, message: 'Where to?' })
    const { stream, go, get } = serve(
      sequence('all', ask, step({ name: 'show', run: (a: z.infer<typeof Address>) => a.city })),
    )
    const events = await stream()
    expect(events.at(-2)).toMatchObject({
      event: 'StepPaused',
      requires_confirmation: false,
      requires_user_input: true,
      user_input_message: 'Where to?',
    })
    const { run_id } = events.at(-1)
    const answer = (user_input: object) => go(run_id, { step_requirements: [{ step_id: 'ask', user_input }] })
    for (const wrong of [
      {},
      { city: 'Rome' },
      { city: 7, way: 'air' },
      { city: 'Rome', way: 'land' },
      { city: 'Rome', way: 'air', floor: 'x' },
      { city: 'Rome', way: 'air', door: 1 },
    ]) {
      const { status, body } = await answer(wrong)
      expect([status, body.error_code], JSON.stringify(wrong)).toEqual([422, 'INVALID_STEP_REQUIREMENT'])
    }
    expect((await get(run_id)).status).toBe('paused')
    const { body } = await answer({ city: 'Rome', way: 'sea' })
    expect(body).toMatchObject({
      status: 'completed',
      content: 'Rome',
      step_requirements: [{ user_input: { city: 'Rome', way: 'sea' } }],
    })
  })

  it('lets somebody choose the way', async () => {
    const route = router({
      name: 'route',
      choices: { loud: upper, sure: exclaim },
      ask: { message: 'Which?', multiple: true },
    })
    const { stream, go, goStream } = serve(route)
    const events = await stream('a')
    expect(events.at(-2)).toMatchObject({
      event: 'RouterPaused',
      available_choices: ['loud', 'sure'],
      allow_multiple_selections: true,
    })
    const { run_id } = events.at(-1)
    for (const selected_choices of [['x'], []]) {
      expect((await go(run_id, { step_requirements: [{ step_id: 'route', selected_choices }] })).status).toBe(422)
    }
    const rest = await goStream(run_id, {
      step_requirements: [{ step_id: 'route', selected_choices: ['loud', 'sure'] }],
    })
    expect(rest[1]).toMatchObject({ event: 'RouterExecutionStarted', selected_steps: ['loud', 'sure'] })
    expect(rest.at(-1)).toMatchObject({ content: ['A', 'a!'] })
  })
})

describe('a step whose output is looked at', () => {
  const write = (ran: (string | undefined)[], onReject: 'retry' | 'skip' | 'cancel', maxRetries?: number) =>
    step({
      name: 'write',
      output: z.string(),
      review: { message: 'Good?', onReject, maxRetries },
      run: (text: string, { feedback }) => {
        ran.push(feedback)
        return `${text} ${ran.length}`
      },
    })

  it('runs once more for each time that it is refused, and not otherwise', async () => {
    const ran: (string | undefined)[] = []
    const { stream, goStream, get } = serve(sequence('all', write(ran, 'retry'), exclaim))
    const events = await stream('text')
    expect(names(events).slice(1)).toEqual([
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'StepOutputReview',
      'WorkflowPaused',
    ])
    expect(events.at(-1).step_requirements[0]).toMatchObject({
      requires_output_review: true,
      is_post_execution: true,
      output_review_message: 'Good?',
      step_output: { content: 'text 1' },
      retry_count: 0,
    })
    const { run_id } = events.at(-1)
    const no = (rejection_feedback: string) =>
      goStream(run_id, { step_requirements: [{ step_id: 'write', confirmed: false, rejection_feedback }] })
    expect(names(await no('shorter'))).toEqual([
      'StepContinued',
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'StepOutputReview',
      'WorkflowPaused',
    ])
    await no('longer')
    expect(ran).toEqual([undefined, 'shorter', 'longer'])
    await goStream(run_id, { step_requirements: [{ step_id: 'write', edited_output: 'Mine' }] })
    expect(ran).toHaveLength(3)
    const run = await get(run_id)
    expect(run).toMatchObject({ status: 'completed', content: 'Mine!' })
    expect(run.step_requirements).toMatchObject([
      { confirmed: false, rejection_feedback: 'shorter', retry_count: 0 },
      { confirmed: false, rejection_feedback: 'longer', retry_count: 1 },
      { confirmed: true, edited_output: 'Mine', retry_count: 2 },
    ])
  })

  it('ends the run when it is refused too often', async () => {
    const { run, go } = serve(write([], 'retry', 1))
    const { run_id } = await run('a')
    const no = { step_requirements: [{ step_id: 'write', confirmed: false }] }
    expect((await go(run_id, no)).body.status).toBe('paused')
    expect((await go(run_id, no)).body.status).toBe('cancelled')
  })

  it('is passed over', async () => {
    const { run, go } = serve(sequence('all', write([], 'skip'), exclaim))
    const { run_id } = await run('a')
    expect((await go(run_id, { step_requirements: [{ step_id: 'write', confirmed: false }] })).body.content).toBe('a!')
  })

  it('tells an agent what was wrong', async () => {
    const asked: string[] = []
    const { Agent } = await import('agentos-sdk')
    const { scripted } = await import('agentos-sdk/models')
    const agent = new Agent({
      id: 'writer',
      model: scripted(({ messages }) => {
        asked.push(JSON.stringify(messages.at(-1)?.content))
        return 'text'
      }),
    })
    const { run, go } = serve(step({ name: 'draft', agent, review: { onReject: 'retry' } }))
    const { run_id } = await run('Write.')
    await go(run_id, { step_requirements: [{ step_id: 'draft', confirmed: false, rejection_feedback: 'Shorter.' }] })
    const { body } = await go(run_id, { step_requirements: [{ step_id: 'draft', confirmed: true }] })
    expect(body.status).toBe('completed')
    expect(asked).toEqual(
      ['Write.', 'Write.\n\nYour last answer was not accepted: Shorter.'].map((one) => JSON.stringify(one)),
    )
    expect(body.step_executor_runs).toHaveLength(2)
  })
})

describe('a step that fails', () => {
  it('is tried again as often as it may, then ends the run', async () => {
    const attempts: number[] = []
    const failing = step({
      name: 'try',
      retry: { times: 2 },
      run: (_: string, { attempt }) => {
        attempts.push(attempt)
        throw new Error('secret')
      },
    })
    const { stream } = serve(failing)
    const events = await stream()
    expect(names(events)).toEqual([
      'WorkflowStarted',
      ...Array.from({ length: 3 }, () => ['StepStarted', 'StepError']).flat(),
      'WorkflowError',
    ])
    expect(attempts).toEqual([1, 2, 3])
    expect(JSON.stringify(events)).not.toContain('secret')
    expect(events.at(-1)).toMatchObject({ error_code: 'STEP_FAILED', error: events.at(-1).content })
  })

  it('takes too long', async () => {
    const { run } = serve(step({ name: 'slow', timeoutMs: 10, run: () => new Promise<string>(() => undefined) }))
    expect(await run()).toMatchObject({ status: 'error', error: { error_code: 'STEP_FAILED' } })
  })

  it('is passed over', async () => {
    const failing = step({ name: 'try', onError: 'skip', run: (): string => { throw new Error('no') } }) // prettier-ignore
    const { run } = serve(sequence('all', failing as never, exclaim))
    expect(await run('a')).toMatchObject({
      status: 'completed',
      content: 'a!',
      step_results: [{ success: false, error: expect.any(String) }, {}],
    })
  })

  it('waits for somebody to say what to do', async () => {
    let works = false
    const flaky = step({
      name: 'try',
      onError: 'pause',
      run: (text: string) => {
        if (!works) throw new Error('no')
        return text
      },
    })
    const { stream, go } = serve(sequence('all', flaky, exclaim))
    const events = await stream('a')
    expect(names(events).slice(1)).toEqual(['StepStarted', 'StepError', 'WorkflowPaused'])
    expect(events.at(-1)).toMatchObject({
      error_requirements: [{ step_id: 'try', retry_count: 0, error_message: expect.any(String) }],
    })
    const { run_id } = events.at(-1)
    const again = await go(run_id, { error_requirements: [{ step_id: 'try', decision: 'retry' }] })
    expect(again.body).toMatchObject({
      status: 'paused',
      error_requirements: [{ decision: 'retry' }, { retry_count: 1 }],
    })
    works = true
    const { body } = await go(run_id, {
      error_requirements: [...again.body.error_requirements.slice(0, 1), { step_id: 'try', decision: 'retry' }],
    })
    expect(body).toMatchObject({ status: 'completed', content: 'a!' })
  })
})

describe('what a step runs', () => {
  it('pauses for a tool, and goes on with what was decided', async () => {
    const done: string[] = []
    const { stream, goStream, go, get } = serve(step({ name: 'pay', agent: careful(done) }))
    const events = await stream()
    expect(names(events).slice(-3)).toEqual(['RunPaused', 'StepExecutorPaused', 'WorkflowPaused'])
    const paused = events.at(-1)
    expect(paused).toMatchObject({
      pause_kind: 'executor',
      step_requirements: [{ requires_executor_input: true, executor_id: 'careful', executor_type: 'agent' }],
    })
    const [
      {
        step_id,
        executor_requirements: [asked],
      },
    ] = paused.step_requirements
    expect((await go(paused.run_id, {})).status).toBe(409)
    const wrong = await go(paused.run_id, {
      step_requirements: [{ step_id, executor_requirements: [{ id: 'x', confirmation: true }] }],
    })
    expect([wrong.status, wrong.body.error_code]).toEqual([422, 'INVALID_STEP_REQUIREMENT'])
    const rest = await goStream(paused.run_id, {
      step_requirements: [{ step_id, executor_requirements: [{ ...asked, confirmation: true }] }],
    })
    expect(names(rest).slice(0, 3)).toEqual(['StepExecutorContinued', 'RunContinued', 'ToolCallStarted'])
    expect(done).toEqual(['paid'])
    const run = await get(paused.run_id)
    expect(run).toMatchObject({ status: 'completed', content: 'Paid.' })
    expect(run.step_requirements[0].executor_requirements[0]).toMatchObject({
      confirmation: true,
      tool_execution: { requires_confirmation: false },
    })
  })

  it('waits for two answers at once, and takes both', async () => {
    const done: string[] = []
    const both = parallel('both', {
      one: step({ name: 'one', agent: careful(done, 'a1') }),
      two: step({
        name: 'two',
        workflow: new Workflow({ id: 'inner', steps: approval<string>({ name: 'sure' }) }),
      }),
    })
    const { run, go } = serve(both)
    const { run_id, step_requirements } = await run('a')
    expect(step_requirements).toHaveLength(2)
    const executor = step_requirements.find((one: { requires_executor_input?: boolean }) => one.requires_executor_input)
    const inner = step_requirements.find((one: { requires_confirmation: boolean }) => one.requires_confirmation)
    const first = {
      step_id: executor.step_id,
      executor_requirements: [{ id: executor.executor_requirements[0].id, confirmation: true }],
    }
    expect((await go(run_id, { step_requirements: [first] })).status).toBe(409)
    const { body } = await go(run_id, { step_requirements: [first, { step_id: inner.step_id, confirmed: true }] })
    expect(body).toMatchObject({ status: 'completed', content: { one: 'Paid.', two: 'a' } })
  })

  it('ends all of it when somebody says no inside of a workflow, and leaves nothing open', async () => {
    const inner = new Workflow({ id: 'inner', steps: approval<string>({ name: 'sure' }) })
    const both = parallel('both', {
      host: step({ name: 'host', workflow: inner }),
      pay: step({ name: 'pay', agent: careful([]) }),
    })
    const { run: begin, goStream, get } = serve(both)
    const { run_id, step_requirements } = await begin('a')
    const executor = step_requirements.find((one: { requires_executor_input?: boolean }) => one.requires_executor_input)
    const sure = step_requirements.find((one: { requires_confirmation: boolean }) => one.requires_confirmation)
    const events = await goStream(run_id, {
      step_requirements: [
        { step_id: sure.step_id, confirmed: false },
        {
          step_id: executor.step_id,
          executor_requirements: [{ id: executor.executor_requirements[0].id, confirmation: false }],
        },
      ],
    })
    expect(names(events).filter((name) => name === 'WorkflowCancelled')).toHaveLength(2)
    const run = await get(run_id)
    expect(run.status).toBe('cancelled')
    for (const { status } of run.step_executor_runs) expect(status).not.toMatch(/paused|running/)
    expect(run.step_results).toMatchObject([{ step_id: 'both', success: false, error: 'Cancelled during execution' }])
  })
})

describe('an approval', () => {
  it('is not got around, and asked for once though the workflow goes on beside it', async () => {
    const done: string[] = []
    const send = step({ name: 'send', run: () => done.push('sent'), confirm: { approval: 'required' } })
    const both = parallel('both', { send, rest: sleep<string>({ name: 'rest', ms: 1100 }) })
    const { run, go, agentOS, until } = serve(both)
    const { run_id, step_requirements } = await run('a')
    const [{ step_id }] = step_requirements
    const refused = await go(run_id, { step_requirements: [{ step_id, confirmed: true }] })
    expect([refused.status, refused.body.error_code]).toEqual([403, 'APPROVAL_PENDING'])
    await until(run_id, ({ pause_kind, resume_at }) => pause_kind === 'step' && resume_at === undefined)
    const { data } = await agentOS.approvals.list()
    expect(data).toHaveLength(1)
    expect(data[0]).toMatchObject({ sourceType: 'workflow', workflowId: 'flow', toolName: 'send' })
    await agentOS.approvals.resolve(data[0]!.id, { status: 'approved' })
    expect((await go(run_id)).body).toMatchObject({ status: 'completed' })
    expect(done).toEqual(['sent'])
  })

  it('can not be given by waiting', () => {
    expect(() => approval({ name: 'a', approval: 'required', timeoutMs: 1, onTimeout: 'approve' })).toThrow(
      'nobody gives by waiting',
    )
  })
})

describe('a sleep and an event', () => {
  it('pause, and the workflow goes on by itself', async () => {
    const { stream, until, resume, go } = serve(sequence('all', sleep<string>({ name: 'rest', ms: 1050 }), upper))
    const events = await stream('a')
    expect(names(events)).toEqual(['WorkflowStarted', 'SleepStarted', 'WorkflowPaused'])
    const { run_id } = events.at(-1)
    const refused = await go(run_id)
    expect([refused.status, refused.body.error_code]).toEqual([409, 'RUN_NOT_CONTINUABLE'])
    const run = await until(run_id, ({ status }) => status === 'completed')
    expect(run.content).toBe('A')
    expect(names(await resume(run_id)).slice(1)).toEqual([
      ...names(events),
      'SleepCompleted',
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'WorkflowCompleted',
    ])
  })

  it('takes events that came before, while and after, in their order and each once', async () => {
    const wait = (name: string) => waitForEvent({ name, event: 'paid', payload: z.object({ n: z.coerce.number() }) })
    const keep = step({ name: 'keep', run: (paid: { n: number }) => paid.n + 1 })
    const { stream, sendEvent, until, resume } = serve(sequence('all', wait('first'), keep, wait('second')))
    const events = await stream()
    expect(names(events)).toEqual(['WorkflowStarted', 'WaitForEventStarted', 'WorkflowPaused'])
    expect(events.at(-1)).toMatchObject({ pause_kind: 'event', paused_step_name: 'first' })
    const { run_id } = events.at(-1)
    expect((await sendEvent(run_id, { name: 'other' })).status).toBe(202)
    for (const n of ['1', '1', '2']) {
      const { status, body } = await sendEvent(run_id, { name: 'paid', payload: { n }, id: `p${n}` })
      expect([status, body]).toEqual([202, { accepted: true }])
    }
    const run = await until(run_id, ({ status }) => status === 'completed')
    // The schema has made a number of the text, also where the event has woken the run.
    expect(run.step_results).toMatchObject([{ content: { n: '1' } }, { content: 2 }, { content: { n: '2' } }])
    expect(names(await resume(run_id))).toContain('WaitForEventCompleted')
    const late = await sendEvent(run_id, { name: 'paid' })
    expect([late.status, late.body.error_code]).toEqual([409, 'RUN_ENDED'])
    expect((await sendEvent('run_unknown', { name: 'paid' })).status).toBe(404)
    expect((await sendEvent(run_id, { name: '' })).status).toBe(422)
  })

  it('gives each event to one of several who wait, also inside of a workflow', async () => {
    const inner = new Workflow({ id: 'inner', steps: waitForEvent({ name: 'wait', event: 'paid' }) })
    const all = parallel('all', {
      a: waitForEvent({ name: 'a', event: 'paid' }),
      b: waitForEvent({ name: 'b', event: 'paid' }),
      c: step({ name: 'c', workflow: inner }),
    })
    const { run, sendEvent, until } = serve(all as never)
    const { run_id } = await run()
    for (const n of [1, 2, 3]) await sendEvent(run_id, { name: 'paid', payload: n })
    const { content } = await until(run_id, ({ status }) => status === 'completed')
    expect(Object.values(content as object).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3])
  })

  it('gives up when no event comes in time', async () => {
    const skip = serve(waitForEvent({ name: 'wait', event: 'paid', timeoutMs: 20, onTimeout: 'skip' }))
    const first = await skip.run()
    expect(await skip.until(first.run_id, ({ status }) => status !== 'paused' && status !== 'running')).toMatchObject({
      status: 'completed',
      content: null,
    })
    const fail = serve(waitForEvent({ name: 'wait', event: 'paid', timeoutMs: 20 }))
    const second = await fail.run()
    expect(await fail.until(second.run_id, ({ status }) => status !== 'paused' && status !== 'running')).toMatchObject({
      status: 'error',
      error: { error_code: 'STEP_FAILED' },
    })
  })

  it('fails when the payload does not fit', async () => {
    const { run, sendEvent, until } = serve(
      waitForEvent({ name: 'wait', event: 'paid', payload: z.object({ n: z.number() }) }),
    )
    const { run_id } = await run()
    await sendEvent(run_id, { name: 'paid', payload: 'none' })
    expect(await until(run_id, ({ status }) => status !== 'paused' && status !== 'running')).toMatchObject({
      status: 'error',
    })
  })

  it('ends when it is cancelled while it sleeps', async () => {
    const { run, cancel, get, resume } = serve(sleep<string>({ name: 'rest', ms: 1200 }))
    const { run_id } = await run()
    expect((await cancel(run_id)).body).toMatchObject({ status: 'cancelled' })
    await new Promise((resolve) => setTimeout(resolve, 1400))
    expect((await get(run_id)).status).toBe('cancelled')
    expect(names(await resume(run_id)).at(-1)).toBe('WorkflowCancelled')
  })
})

describe('what somebody gives', () => {
  it('has to fit the step, before the run goes on', async () => {
    const judge = new Agent({
      id: 'judge',
      model: scripted('{"good":true}'),
      output: z.object({ good: z.boolean() }),
    })
    const count = step({ name: 'count', output: z.number().max(9), review: {}, run: () => 1 })
    const flow = (name: string) =>
      parallel(name, {
        loop: loop({ name: 'again', step: count, until: () => true, maxIterations: 1 }),
        judge: step({ name: 'judge', agent: judge, review: {} }),
        ask: humanInput({ name: 'ask', fields: z.object({ mail: z.email() }) }),
      })
    const inner = new Workflow({ id: 'inner', steps: flow('all') })
    const { run, go, get } = serve(
      parallel('both', { own: flow('own'), host: step({ name: 'host', workflow: inner }) }),
    )
    const paused = await run()
    const ids: string[] = paused.step_requirements.map(({ step_id }: { step_id: string }) => step_id)
    expect(ids).toHaveLength(6)
    const good = (id: string) =>
      id.endsWith('count')
        ? { edited_output: 5 }
        : id.endsWith('judge')
          ? { edited_output: { good: false } }
          : { user_input: { mail: 'ann@mail.example' } }
    for (const id of ids) {
      for (const wrong of [{ edited_output: 10 }, { edited_output: 'x' }, { user_input: { mail: 'ann' } }]) {
        const step_requirements = ids.map((step_id) => ({ step_id, ...(step_id === id ? wrong : good(step_id)) }))
        const { status, body } = await go(paused.run_id, { step_requirements })
        const isAsked = 'user_input' in wrong === id.endsWith('ask')
        expect([status, isAsked ? body.error_code : 'INVALID_STEP_REQUIREMENT'], JSON.stringify(body)).toEqual([
          isAsked ? 422 : status,
          'INVALID_STEP_REQUIREMENT',
        ])
        expect(status).toBeGreaterThanOrEqual(400)
      }
    }
    expect(await get(paused.run_id)).toEqual(paused)
    const step_requirements = ids.map((step_id) => ({ step_id, ...good(step_id) }))
    const given = { loop: 5, judge: { good: false }, ask: { mail: 'ann@mail.example' } }
    const { body } = await go(paused.run_id, { step_requirements })
    expect(body).toMatchObject({ status: 'completed', content: { own: given, host: given } })
  })
})
