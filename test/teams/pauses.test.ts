import { describe, expect, it } from 'vitest'
import { Agent, Team, tool } from 'agentos-sdk'
import type { AgentOSOptions, Runnable } from 'agentos-sdk'
import { z } from 'zod'
import { sharedStorage } from '../support/two-processes.js'
import { broadcast, confirmed, delegate, deskOf, inTurn, member, teamOS, told } from './support.js'
import type { Body, SentEvent } from './support.js'

const path = '/teams/desk/runs'

/** What the tools have done, in the order in which it happened. */
function effects() {
  const done: string[] = []
  const paying = (more: object = { requiresConfirmation: true }) =>
    tool({
      name: 'pay',
      input: z.object({ amount: z.number() }),
      ...more,
      execute: ({ amount }, { runId }) => {
        done.push(`pay ${amount} ${runId}`)
        return `Paid ${amount}.`
      },
    })
  return { done, paying }
}

const pay = (amount: number, id?: string) => ({
  toolCalls: [{ name: 'pay', arguments: { amount }, ...(id !== undefined && { id }) }],
})

function payer(
  id: string,
  paying: ReturnType<ReturnType<typeof effects>['paying']>,
  ...replies: Parameters<typeof inTurn>
) {
  return new Agent({ id, name: id.toUpperCase(), tools: [paying], model: inTurn(...replies) })
}

interface Requirement {
  id: string
  member_agent_id: string
  member_agent_name: string
  member_run_id: string
  tool_execution: Body
}

const requirementsOf = (run: Body) => run.requirements as Requirement[]
const responsesOf = (run: Body) => run.member_responses as Body[]

function twoPayers(more: object = {}) {
  const { done, paying } = effects()
  const a = payer('a', paying(), pay(1), 'A paid.')
  const b = payer('b', paying(), pay(2), 'B paid.')
  const model = inTurn({ toolCalls: [delegate('a', 'Pay 1.'), delegate('b', 'Pay 2.')] }, 'Both paid.')
  return { done, model, team: deskOf(model, [a, b], more) }
}

describe('a team whose member pauses', () => {
  it('pauses with what the member waits for, and goes on with the decision passed down', async () => {
    const { done, paying } = effects()
    const team = deskOf(inTurn({ toolCalls: [delegate('a', 'Pay 7.')] }, 'It is paid.'), [
      payer('a', paying(), pay(7), 'Done: 7.'),
    ])
    const { events, ask } = teamOS([team])
    const first = await events(path, { message: 'Pay.', session_id: 's' })
    expect(told(first).slice(-4)).toEqual([
      'RunContentCompleted a',
      'RunPaused a',
      'TeamRunContentCompleted desk',
      'TeamRunPaused desk',
    ])
    const paused = first.at(-1)!.data
    const memberRunId = first.find(({ event }) => event === 'RunStarted')!.data.run_id as string
    const [requirement] = requirementsOf(paused)
    expect(requirement).toMatchObject({
      member_agent_id: 'a',
      member_agent_name: 'A',
      member_run_id: memberRunId,
      needs_confirmation: true,
      tool_execution: { tool_name: 'pay', tool_args: { amount: 7 }, requires_confirmation: true },
    })
    const runId = paused.run_id as string
    const { body: stored } = await ask(`GET ${path}/${runId}`)
    expect(stored).toMatchObject({
      status: 'paused',
      requirements: [requirement],
      member_responses: [{ status: 'paused' }],
    })
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map(({ status }) => status)).toEqual(['paused', 'paused'])

    const second = await events(`${path}/${runId}/continue`, { requirements: confirmed(stored) })
    expect(told(second).filter((one) => !one.includes('RunContent '))).toEqual([
      'TeamRunContinued desk',
      'RunContinued a',
      'ToolCallStarted a',
      'ToolCallCompleted a',
      'ModelRequestStarted a',
      'ModelRequestCompleted a',
      'RunContentCompleted a',
      'RunCompleted a',
      'TeamToolCallCompleted desk',
      'TeamModelRequestStarted desk',
      'TeamModelRequestCompleted desk',
      'TeamRunContentCompleted desk',
      'TeamRunCompleted desk',
    ])
    expect(second[0]!.id).toBe(first.at(-1)!.id! + 1)
    expect(done).toEqual([`pay 7 ${memberRunId}`])
    const { body: run } = await ask(`GET ${path}/${runId}`)
    expect(run).toMatchObject({
      status: 'completed',
      content: 'It is paid.',
      requirements: [{ id: requirement!.id, confirmation: true }],
      member_responses: [{ run_id: memberRunId, status: 'completed', content: 'Done: 7.' }],
    })
    const after = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(after.map(({ status }) => status)).toEqual(['completed', 'completed'])
  })

  it('refuses to go on while something is undecided, and changes nothing', async () => {
    const { done, team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const runPath = `${path}/${paused.run_id as string}`
    expect(
      requirementsOf(paused)
        .map((one) => one.member_agent_id)
        .toSorted(),
    ).toEqual(['a', 'b'])
    const [first, second] = confirmed(paused)
    const { status, body } = await ask(`POST ${runPath}/continue`, { requirements: [first] })
    expect([status, body.error_code]).toEqual([409, 'RUN_REQUIREMENTS_UNRESOLVED'])
    expect(body.requirement_ids).toEqual([second!.id])
    expect((await ask(`GET ${runPath}`)).body).toEqual(paused)
    expect(done).toEqual([])
    const { body: run } = await ask(`POST ${runPath}/continue`, { requirements: [first, second] })
    expect(run).toMatchObject({ status: 'completed', content: 'Both paid.' })
    expect(done).toHaveLength(2)
  })

  it('takes a decision for each of two that have paused at once, and no decision for the other', async () => {
    const { done, model, team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const requirements = requirementsOf(paused).map(({ id, member_agent_id: by }) => ({
      id,
      confirmation: by === 'a',
      ...(by === 'b' && { confirmation_note: 'Too much.' }),
    }))
    const { body: run } = await ask(`POST ${path}/${paused.run_id as string}/continue`, { requirements })
    expect(run.status).toBe('completed')
    expect(done).toEqual([expect.stringMatching(/^pay 1 /)])
    const b = responsesOf(run).find(({ agent_id: id }) => id === 'b')!
    expect(b.tools).toMatchObject([{ confirmed: false, confirmation_note: 'Too much.' }])
    expect(model.requests).toHaveLength(2)
  })

  it('pauses again when a member pauses again, and asks about nothing twice', async () => {
    const { done, paying } = effects()
    const team = deskOf(inTurn({ toolCalls: [delegate('a', 'Pay twice.')] }, 'Paid.'), [
      payer('a', paying(), pay(1), pay(2), 'Twice.'),
    ])
    const { ask } = teamOS([team])
    const { body: first } = await ask(`POST ${path}`, { message: 'Pay.' })
    const again = `POST ${path}/${first.run_id as string}/continue`
    const { body: second } = await ask(again, { requirements: confirmed(first) })
    expect(second.status).toBe('paused')
    expect(confirmed(second)).toHaveLength(1)
    expect(confirmed(second)[0]!.id).not.toBe(confirmed(first)[0]!.id)
    expect(done).toHaveLength(1)
    const { body: run } = await ask(again, { requirements: confirmed(second) })
    expect(run).toMatchObject({ status: 'completed', content: 'Paid.' })
    expect(done).toHaveLength(2)
  })

  it.each([
    [
      'input of a person',
      { requiresUserInput: ['amount'] },
      (one: Requirement) => ({ id: one.id, user_input_schema: [{ name: 'amount', value: 42 }] }),
      'pay 42',
    ],
    [
      'a result from elsewhere',
      { external: true, execute: undefined },
      (one: Requirement) => ({ id: one.id, external_execution_result: 'Paid in the shop.' }),
      undefined,
    ],
    [
      'a confirmation with other arguments',
      { requiresConfirmation: true },
      (one: Requirement) => ({ id: one.id, confirmation: true, tool_execution: { edited_args: { amount: 3 } } }),
      'pay 3',
    ],
  ])('passes on %s', async (_what, more, decision, effect) => {
    const { done, paying } = effects()
    const team = deskOf(inTurn({ toolCalls: [delegate('a', 'Pay.')] }, 'Paid.'), [
      payer('a', paying(more), pay(9), 'Done.'),
    ])
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    expect(paused.status).toBe('paused')
    const requirements = requirementsOf(paused).map((one): object => decision(one))
    const { body: run } = await ask(`POST ${path}/${paused.run_id as string}/continue`, { requirements })
    expect(run).toMatchObject({ status: 'completed', content: 'Paid.' })
    expect(done.map((one) => one.split(' run_')[0])).toEqual(effect === undefined ? [] : [effect])
  })

  it('checks what is decided with the tools of the member', async () => {
    const { done, team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const requirements = requirementsOf(paused).map(({ id }) => ({
      id,
      confirmation: true,
      tool_execution: { edited_args: { amount: 'much' } },
    }))
    const { status, body } = await ask(`POST ${path}/${paused.run_id as string}/continue`, { requirements })
    expect([status, body.error_code]).toEqual([422, 'INVALID_TOOL_ARGS'])
    expect(done).toEqual([])
  })

  it('goes on in another process, with a leader and members that know nothing of the first', async () => {
    const storage = sharedStorage()
    const before = twoPayers()
    const first = teamOS([before.team], { storage: storage() })
    const { body: paused } = await first.ask(`POST ${path}`, { message: 'Pay.' })
    await first.agentOS.stop()
    const after = twoPayers()
    const second = teamOS([after.team], { storage: storage() })
    const again = `POST ${path}/${paused.run_id as string}/continue`
    const { body: run } = await second.ask(again, { requirements: confirmed(paused) })
    expect(run).toMatchObject({ status: 'completed', content: 'Both paid.' })
    expect(before.done).toEqual([])
    expect(after.done).toHaveLength(2)
    expect(responsesOf(run).map((one) => one.run_id)).toEqual(responsesOf(paused).map((one) => one.run_id))
  })

  it('is forked without what its members have begun: they begin and ask anew', async () => {
    const { done, team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const { body: fork } = await ask(`POST ${path}/${paused.run_id as string}/continue`, { fork: true })
    expect(fork).toMatchObject({ status: 'paused', forked_from_run_id: paused.run_id })
    expect(confirmed(fork)).toHaveLength(2)
    const ids = new Set([...requirementsOf(paused), ...requirementsOf(fork)].map((one) => one.member_run_id))
    expect(ids.size).toBe(4)
    const again = `POST ${path}/${fork.run_id as string}/continue`
    expect((await ask(again, { requirements: confirmed(fork) })).body.status).toBe('completed')
    expect(done).toHaveLength(2)
    expect((await ask(`GET ${path}/${paused.run_id as string}`)).body).toEqual(paused)
  })

  it('cancels members whose calls are cut off', async () => {
    const { done, team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.', session_id: 's' })
    const again = `POST ${path}/${paused.run_id as string}/continue`
    const { body: second } = await ask(again, { continue_from: 'last_user' })
    expect(second.status).toBe('paused')
    expect(responsesOf(second)).toHaveLength(2)
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map(({ status }) => status)).toEqual(['paused', 'cancelled', 'cancelled', 'paused', 'paused'])
    const { body: run } = await ask(again, { requirements: confirmed(second) })
    expect(run.status).toBe('completed')
    expect(done).toHaveLength(2)
  })

  it('ends its members with it when it is cancelled', async () => {
    const { team } = twoPayers()
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.', session_id: 's' })
    const { body: cancelled } = await ask(`POST ${path}/${paused.run_id as string}/cancel`)
    expect(cancelled.status).toBe('cancelled')
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  })
})

describe('a team inside of a team', () => {
  function nested(approval?: 'required') {
    const { done, paying } = effects()
    const a = payer('a', paying(approval ? { approval } : undefined), pay(5), 'A paid.')
    const inner = new Team({
      id: 'inner',
      name: 'Inner',
      model: inTurn({ toolCalls: [delegate('a', 'Pay 5.')] }, 'Inner paid.'),
      members: [a],
    })
    return { done, team: deskOf(inTurn({ toolCalls: [delegate('inner', 'Pay it.')] }, 'Outer paid.'), [inner]) }
  }

  it('pauses all the way up, and goes on all the way down', async () => {
    const { done, team } = nested()
    const { events, ask } = teamOS([team])
    const first = await events(path, { message: 'Pay.', session_id: 's' })
    expect(told(first).filter((one) => one.includes('Paused'))).toEqual([
      'RunPaused a',
      'TeamRunPaused inner',
      'TeamRunPaused desk',
    ])
    const runOf = (id: string) => first.find(({ data }) => (data.agent_id ?? data.team_id) === id)!.data
    expect(runOf('a').parent_run_id).toBe(runOf('inner').run_id)
    expect(runOf('inner').parent_run_id).toBe(runOf('desk').run_id)
    const [requirement] = requirementsOf(first.at(-1)!.data)
    expect(requirement).toMatchObject({ member_agent_id: 'a', member_run_id: runOf('a').run_id })
    const runId = runOf('desk').run_id as string
    const { body: paused } = await ask(`GET ${path}/${runId}`)
    const second = await events(`${path}/${runId}/continue`, { requirements: confirmed(paused) })
    expect(told(second).filter((one) => /Continued|RunCompleted/.test(one))).toEqual([
      'TeamRunContinued desk',
      'TeamRunContinued inner',
      'RunContinued a',
      'RunCompleted a',
      'TeamRunCompleted inner',
      'TeamRunCompleted desk',
    ])
    expect(done).toHaveLength(1)
    const { body: run } = await ask(`GET ${path}/${runId}`)
    expect(run).toMatchObject({
      content: 'Outer paid.',
      member_responses: [{ team_id: 'inner', content: 'Inner paid.', member_responses: [{ agent_id: 'a' }] }],
    })
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
  })

  it('waits for the approval of a tool however deep it is', async () => {
    const { done, team } = nested('required')
    const { agentOS, ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const again = `POST ${path}/${paused.run_id as string}/continue`
    for (const body of [{}, { requirements: requirementsOf(paused).map(({ id }) => ({ id, confirmation: true })) }]) {
      const refused = await ask(again, body)
      expect([refused.status, refused.body.error_code]).toEqual([403, 'APPROVAL_PENDING'])
    }
    const { data } = await agentOS.approvals.list({ runId: paused.run_id as string })
    await agentOS.approvals.resolve(data[0]!.id, { status: 'approved', resolvedBy: 'bob' })
    expect(done).toEqual([])
    const { body: run } = await ask(again)
    expect(run).toMatchObject({ status: 'completed', content: 'Outer paid.' })
    expect(done).toHaveLength(1)
  })
})

describe('an approval that a member needs', () => {
  const approved = (options: Partial<AgentOSOptions> = {}) => {
    const { done, paying } = effects()
    const a = payer('a', paying({ approval: 'required' }), pay(5), 'A paid.')
    const team = deskOf(inTurn({ toolCalls: [delegate('a', 'Pay 5.')] }, 'Paid.'), [a])
    return { done, ...teamOS([team], { agents: [a], ...options }) }
  }

  it('is of the team that pauses, and names it', async () => {
    const { agentOS, ask } = approved()
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const { data } = await agentOS.approvals.list({ teamId: 'desk' })
    expect(data).toMatchObject([
      {
        runId: paused.run_id,
        sourceType: 'team',
        teamId: 'desk',
        toolName: 'pay',
        toolArgs: { amount: 5 },
        status: 'pending',
        requirements: [{ memberAgentId: 'a', memberRunId: requirementsOf(paused)[0]!.member_run_id }],
      },
    ])
    expect(requirementsOf(paused)[0]!.tool_execution.approval_id).toBe(data[0]!.id)
  })

  it("is not got around by the member's own run, on whichever route, nor by a fork", async () => {
    const { done, ask } = approved()
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const runId = paused.run_id as string
    const [{ member_run_id: memberRunId, tool_execution: waiting }] = requirementsOf(paused) as [Requirement]
    const decision = { tools: [{ tool_call_id: waiting.tool_call_id, confirmed: true, approval_type: 'audit' }] }
    for (const line of [
      `POST /agents/a/runs/${memberRunId}/continue`,
      `POST /teams/desk/runs/${memberRunId}/continue`,
      `POST /agents/a/runs/${memberRunId}/cancel`,
      `POST /agents/a/runs/${memberRunId}/resume`,
      `GET /agents/a/runs/${memberRunId}`,
      `GET /agents/a/runs/${memberRunId}/checkpoints`,
    ]) {
      const { status, body } = await ask(line, line.startsWith('POST') ? decision : undefined)
      expect([line, status, body.error_code]).toEqual([line, 404, 'RUN_NOT_FOUND'])
    }
    for (const more of [{}, { fork: true }, { continue_from: 0 }]) {
      const { status, body } = await ask(`POST ${path}/${runId}/continue`, { ...decision, ...more })
      expect([more, status, body.error_code]).toEqual([more, 403, 'APPROVAL_PENDING'])
    }
    // What answers anew has no such call to decide about.
    const regenerated = await ask(`POST ${path}/${runId}/continue`, { ...decision, regenerate: true })
    expect(regenerated.body.error_code).toBe('UNKNOWN_TOOL_CALL')
    expect(done).toEqual([])
    expect((await ask(`GET ${path}/${runId}`)).body).toEqual(paused)
  })

  it('is not continued in code through the run of the member either', async () => {
    const { agentOS, ask, done } = approved()
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const [{ member_run_id: memberRunId }] = requirementsOf(paused) as [Requirement]
    await expect(agentOS.runs.continue(memberRunId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(agentOS.runs.cancel(memberRunId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect(done).toEqual([])
  })

  it('has the run go on by itself when it says so, and tells the model when it is rejected', async () => {
    const { agentOS, ask, done } = approved()
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const { data } = await agentOS.approvals.list({})
    await ask(`POST /approvals/${data[0]!.id}/resolve`, {
      status: 'rejected',
      resolved_by: 'bob',
      resolution_data: { note: 'Not today.' },
      continue_run: true,
    })
    const stream = await agentOS.runs.resume(paused.run_id as string)
    for await (const _event of stream);
    const { body: run } = await ask(`GET ${path}/${paused.run_id as string}`)
    expect(run.status).toBe('completed')
    expect(done).toEqual([])
    expect(responsesOf(run)[0]!.tools).toMatchObject([{ confirmed: false, confirmation_note: 'Not today.' }])
  })

  it('ends with the team that is cancelled', async () => {
    const { agentOS, ask } = approved()
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    await ask(`POST ${path}/${paused.run_id as string}/cancel`)
    expect((await agentOS.approvals.list({})).data).toMatchObject([{ status: 'cancelled' }])
  })
})

describe("an audit of a member's tool", () => {
  it('records the decision with the run of the team', async () => {
    const { done, paying } = effects()
    const a = payer('a', paying({ approval: 'audit', requiresConfirmation: true }), pay(5), 'A paid.')
    const { agentOS, ask } = teamOS([deskOf(inTurn({ toolCalls: [delegate('a', 'Pay 5.')] }, 'Paid.'), [a])])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    await ask(`POST ${path}/${paused.run_id as string}/continue`, { requirements: confirmed(paused) })
    expect((await agentOS.approvals.list({})).data).toMatchObject([
      { approvalType: 'audit', status: 'approved', runId: paused.run_id, toolName: 'pay' },
    ])
    expect(done).toHaveLength(1)
  })
})

describe('ids of calls that collide', () => {
  it('are told apart, so that a decision about one is none about another', async () => {
    const { done, paying } = effects()
    const members = ['a', 'b'].map((id, at) => payer(id, paying(), pay(at + 1, 'call_1'), `${id} paid.`))
    const model = inTurn({ toolCalls: [{ ...broadcast('Pay.'), id: 'call_1' }] }, 'Paid.')
    const team = deskOf(model, members as unknown as [Runnable], { mode: 'broadcast' })
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const waiting = requirementsOf(paused)
    expect(new Set(waiting.map((one) => one.tool_execution.tool_call_id)).size).toBe(2)
    expect(waiting.map((one) => one.tool_execution.tool_call_id)).not.toContain('call_1')
    const tools = waiting.map((one) => ({
      tool_call_id: one.tool_execution.tool_call_id,
      confirmed: one.member_agent_id === 'b',
    }))
    const { body: run } = await ask(`POST ${path}/${paused.run_id as string}/continue`, { tools })
    expect(run.status).toBe('completed')
    expect(done).toEqual([expect.stringMatching(/^pay 2 /)])
  })
})

describe('a leader whose own tool waits beside a member', () => {
  it('asks for both at once, and goes on with both', async () => {
    const { done, paying } = effects()
    const model = inTurn({ toolCalls: [{ name: 'pay', arguments: { amount: 1 } }, delegate('a', 'Pay 2.')] }, 'Paid.')
    const team = deskOf(model, [payer('a', paying(), pay(2), 'A paid.')], { tools: [paying()] })
    const { ask, events } = teamOS([team])
    const seen: SentEvent[] = await events(path, { message: 'Pay.' })
    const paused = seen.at(-1)!.data
    expect(paused.tools).toMatchObject([{ tool_args: { amount: 1 } }])
    expect(requirementsOf(paused).map((one) => one.member_agent_id)).toEqual([undefined, 'a'])
    const again = `POST ${path}/${paused.run_id as string}/continue`
    expect((await ask(again, { requirements: confirmed(paused).slice(1) })).status).toBe(409)
    const { body: run } = await ask(again, { requirements: confirmed(paused) })
    expect(run.status).toBe('completed')
    expect(done.map((one) => one.slice(0, 5)).toSorted()).toEqual(['pay 1', 'pay 2'])
  })
})

describe('a member that is asked for once more after a pause', () => {
  it('works in a run of its own for each call', async () => {
    const { paying } = effects()
    const model = inTurn({ toolCalls: [delegate('a', 'One.')] }, { toolCalls: [delegate('b', 'x')] }, 'Done.')
    const team = deskOf(model, [payer('a', paying(), pay(1), 'A.'), member('b', 'B.')])
    const { ask } = teamOS([team])
    const { body: paused } = await ask(`POST ${path}`, { message: 'Pay.' })
    const { body: run } = await ask(`POST ${path}/${paused.run_id as string}/continue`, {
      requirements: confirmed(paused),
    })
    expect(responsesOf(run).map((one) => [one.agent_id, one.status])).toEqual([
      ['a', 'completed'],
      ['b', 'completed'],
    ])
  })
})
