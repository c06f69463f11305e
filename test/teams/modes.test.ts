import { describe, expect, it } from 'vitest'
import { Team } from 'agentos-sdk'
import { broadcast, delegate, deskOf, inTurn, member, teamOS, told, toldBriefly } from './support.js'
import type { Body, SentEvent } from './support.js'

const path = '/teams/desk/runs'

/** What holds for every stream of a team, whatever its mode. */
function checkStream(events: readonly SentEvent[]): { runId: string; members: Map<string, string> } {
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index))
  for (const { event, id, data } of events) expect([data.event, data.event_index]).toEqual([event, id])
  const runId = events[0]!.data.run_id as string
  const sessionId = events[0]!.data.session_id as string
  const members = new Map<string, string>()
  for (const { event, data } of events) {
    expect(data.session_id, event).toBe(sessionId)
    expect(data.nested_depth, event).toBe(0)
    const isOwn = data.team_id === 'desk'
    expect(event).toMatch(isOwn ? /^Team/ : /^(Run|Model|Tool)/)
    expect(data).toMatchObject(
      isOwn
        ? { run_id: runId, team_name: 'Desk' }
        : { parent_run_id: runId, agent_name: String(data.agent_id).toUpperCase() },
    )
    for (const absent of isOwn ? ['agent_id', 'parent_run_id'] : ['team_id']) expect(data).not.toHaveProperty(absent)
    if (!isOwn) members.set(data.run_id as string, data.agent_id as string)
  }
  expect(events.filter(({ event }) => /^TeamRun(Completed|Paused|Cancelled|Error)$/.test(event))).toHaveLength(1)
  return { runId, members }
}

const memberRun = (id: string) => [
  `RunStarted ${id}`,
  `ModelRequestStarted ${id}`,
  `RunContent ${id}`,
  `ModelRequestCompleted ${id}`,
  `RunContentCompleted ${id}`,
  `RunCompleted ${id}`,
]
const asked = ['TeamModelRequestStarted desk', 'TeamModelRequestCompleted desk']
const answered = [
  'TeamModelRequestStarted desk',
  'TeamRunContent desk',
  'TeamModelRequestCompleted desk',
  'TeamRunContentCompleted desk',
  'TeamRunCompleted desk',
]

describe('a team in the mode coordinate', () => {
  const team = () =>
    deskOf(inTurn({ toolCalls: [delegate('a', 'First.')] }, { toolCalls: [delegate('b', 'Second.')] }, 'All done.'), [
      member('a', 'A is done.'),
      member('b', 'B is done.'),
    ])

  it('tells its own events and those of its members as the contract orders them', async () => {
    const { events } = teamOS([team()])
    const seen = await events(path, { message: 'Do it.' })
    expect(told(seen)).toEqual([
      'TeamRunStarted desk',
      ...asked,
      'TeamToolCallStarted desk',
      ...memberRun('a'),
      'TeamToolCallCompleted desk',
      ...asked,
      'TeamToolCallStarted desk',
      ...memberRun('b'),
      'TeamToolCallCompleted desk',
      ...answered,
    ])
    const { members } = checkStream(seen)
    expect([...members.values()]).toEqual(['a', 'b'])
    const [first] = seen.filter(({ event }) => event === 'TeamToolCallCompleted')
    expect(first!.data.tool).toMatchObject({
      tool_name: 'delegate_task_to_member',
      tool_args: { member_id: 'a', task: 'First.' },
      result: 'A is done.',
      tool_call_error: false,
      child_run_id: [...members.keys()][0],
    })
    expect(seen.at(-1)!.data).toMatchObject({
      content: 'All done.',
      status: 'completed',
      member_responses: [
        { agent_id: 'a', content: 'A is done.', parent_run_id: seen[0]!.data.run_id },
        { agent_id: 'b', content: 'B is done.' },
      ],
    })
  })

  it('has a record with those of its members in it, which are rows of their own', async () => {
    const { ask } = teamOS([team()])
    const { status, body: run } = await ask(`POST ${path}`, { message: 'Do it.', session_id: 's' })
    expect(status).toBe(200)
    expect(run).toMatchObject({ team_id: 'desk', team_name: 'Desk', status: 'completed', content: 'All done.' })
    expect(run).not.toHaveProperty('agent_id')
    const responses = run.member_responses as Body[]
    expect(responses.map((one) => [one.agent_id, one.status, one.parent_run_id, one.session_id])).toEqual([
      ['a', 'completed', run.run_id, 's'],
      ['b', 'completed', run.run_id, 's'],
    ])
    for (const response of responses) expect(response).not.toHaveProperty('team_id')
    expect((await ask(`GET ${path}/${run.run_id as string}`)).body).toEqual(run)
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map((row) => [row.run_id, row.parent_run_id, row.agent_id ?? row.team_id, row.content])).toEqual([
      [run.run_id, undefined, 'desk', 'All done.'],
      [responses[0]!.run_id, run.run_id, 'a', 'A is done.'],
      [responses[1]!.run_id, run.run_id, 'b', 'B is done.'],
    ])
    const { body: row } = await ask(`GET /sessions/s/runs/${responses[0]!.run_id as string}`)
    expect(row).toMatchObject({ agent_id: 'a', run_input: 'First.', status: 'completed' })
    const { body: session } = await ask('GET /sessions/s?type=team')
    expect((session.chat_history as Body[]).map(({ content }) => content)).toEqual(['Do it.', '', '', 'All done.'])
  })

  it('does what it delegates at once at once, and tells the members apart', async () => {
    const parallel = deskOf(inTurn({ toolCalls: [delegate('a', 'x'), delegate('b', 'y')] }, 'Both.'), [
      member('a', 'A'),
      member('b', 'B'),
    ])
    const seen = await teamOS([parallel]).events(path, { message: 'Do it.' })
    checkStream(seen)
    expect(told(seen).slice(3, 5)).toEqual(['TeamToolCallStarted desk', 'TeamToolCallStarted desk'])
    for (const id of ['a', 'b']) expect(told(seen).filter((one) => one.endsWith(` ${id}`))).toEqual(memberRun(id))
    const lastStart = told(seen).lastIndexOf('RunStarted b')
    expect(lastStart).toBeLessThan(told(seen).indexOf('RunCompleted a'))
  })
})

describe('a team in the mode route', () => {
  it('answers with what the one member says', async () => {
    const model = inTurn({ toolCalls: [delegate('b', 'Where is order 7?')] })
    const team = deskOf(model, [member('a', 'No.'), member('b', 'On its way.')], { mode: 'route' })
    const { events, ask } = teamOS([team])
    const seen = await events(path, { message: 'Order 7?', session_id: 's' })
    checkStream(seen)
    expect(told(seen)).toEqual([
      'TeamRunStarted desk',
      ...asked,
      'TeamToolCallStarted desk',
      ...memberRun('b'),
      'TeamToolCallCompleted desk',
      'TeamRunContent desk',
      'TeamRunContentCompleted desk',
      'TeamRunCompleted desk',
    ])
    expect(seen.at(-1)!.data).toMatchObject({ content: 'On its way.' })
    expect(model.requests).toHaveLength(1)
    const { body } = await ask(`GET ${path}/${seen[0]!.data.run_id as string}`)
    expect(body).toMatchObject({ content: 'On its way.', status: 'completed' })
  })

  it('asks its leader again when the member fails', async () => {
    const failing = member('a', { fail: 'authentication' })
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, { toolCalls: [delegate('b', 'x')] })
    const team = deskOf(model, [failing, member('b', 'Here.')], { mode: 'route' })
    const { body } = await teamOS([team]).ask(`POST ${path}`, { message: 'Hi' })
    expect(body).toMatchObject({ status: 'completed', content: 'Here.' })
    expect((body.member_responses as Body[]).map(({ status }) => status)).toEqual(['error', 'completed'])
  })
})

describe('a team in the mode broadcast', () => {
  it('has all members work at once, and its leader make one answer of theirs', async () => {
    const model = inTurn({ toolCalls: [broadcast('Think.')] }, 'Merged.')
    const team = deskOf(model, [member('a', 'A thinks.'), member('b', 'B thinks.')], { mode: 'broadcast' })
    const seen = await teamOS([team]).events(path, { message: 'Think.' })
    checkStream(seen)
    expect(toldBriefly(seen).filter((one) => one.endsWith(' desk'))).toEqual([
      'TeamRunStarted desk',
      ...asked,
      'TeamToolCallStarted desk',
      'TeamToolCallCompleted desk',
      'TeamModelRequestStarted desk',
      'TeamModelRequestCompleted desk',
      'TeamRunContentCompleted desk',
      'TeamRunCompleted desk',
    ])
    for (const id of ['a', 'b']) expect(told(seen).filter((one) => one.endsWith(` ${id}`))).toEqual(memberRun(id))
    expect(told(seen).indexOf('RunStarted b')).toBeLessThan(told(seen).indexOf('RunCompleted a'))
    expect(model.requests[1]!.messages.at(-1)!.content).toBe(
      '<member id="a">\nA thinks.\n</member>\n<member id="b">\nB thinks.\n</member>',
    )
  })

  it('goes on with the answers that there are when a member fails, and says when none did', async () => {
    const model = inTurn({ toolCalls: [broadcast('Think.')] }, 'Merged.')
    const failing = (id: string) => member(id, { fail: { kind: 'authentication', message: 'no key' } })
    const some = deskOf(model, [failing('a'), member('b', 'B')], { mode: 'broadcast' })
    const none = new Team({ id: 'none', model, members: [failing('a'), failing('b')], mode: 'broadcast' })
    const { ask } = teamOS([some, none])
    const { body } = await ask(`POST ${path}`, { message: 'Think.' })
    expect(body).toMatchObject({ status: 'completed', tools: [{ tool_call_error: false }] })
    const { body: failed } = await ask('POST /teams/none/runs', { message: 'Think.' })
    expect(failed).toMatchObject({ status: 'completed', tools: [{ tool_call_error: true }] })
  })
})

describe('a team in the mode tasks', () => {
  const steps = inTurn(
    { toolCalls: [{ id: 'c1', name: 'create_task', arguments: { title: 'Search', assignee: 'a' } }] },
    {
      toolCalls: [
        { id: 'c2', name: 'create_task', arguments: { title: 'Write', assignee: 'b', depends_on: ['task_c1'] } },
      ],
    },
    { toolCalls: [{ id: 'e1', name: 'execute_task', arguments: { task_id: 'task_c1' } }] },
    { toolCalls: [{ id: 'e2', name: 'execute_task', arguments: { task_id: 'task_c2' } }] },
    { toolCalls: [{ id: 'g', name: 'complete_goal', arguments: { summary: 'Written.' } }] },
    'Here it is.',
  )
  const round = (...inside: string[]) => [
    'TeamTaskIterationStarted desk',
    'TeamModelRequestStarted desk',
    ...inside,
    'TeamTaskStateUpdated desk',
    'TeamTaskIterationCompleted desk',
  ]
  const executed = (id: string) => [
    'TeamModelRequestCompleted desk',
    'TeamToolCallStarted desk',
    'TeamTaskUpdated desk',
    ...memberRun(id).filter((one) => !one.startsWith('RunContent ')),
    'TeamTaskUpdated desk',
    'TeamToolCallCompleted desk',
  ]

  it('tells its rounds, and the list as it changes', async () => {
    const team = deskOf(steps, [member('a', 'Found.'), member('b', 'Text.')], { mode: 'tasks', stepLimit: 7 })
    const { events, ask } = teamOS([team])
    const seen = await events(path, { message: 'Write about it.' })
    checkStream(seen)
    const brief = toldBriefly(seen)
    const created = round(
      'TeamModelRequestCompleted desk',
      'TeamToolCallStarted desk',
      'TeamTaskCreated desk',
      'TeamToolCallCompleted desk',
    )
    expect(brief).toEqual([
      'TeamRunStarted desk',
      ...created,
      ...created,
      ...round(...executed('a')),
      ...round(...executed('b')),
      ...round(
        'TeamModelRequestCompleted desk',
        'TeamToolCallStarted desk',
        'TeamTaskStateUpdated desk',
        'TeamToolCallCompleted desk',
      ),
      ...round('TeamModelRequestCompleted desk'),
      'TeamRunContentCompleted desk',
      'TeamRunCompleted desk',
    ])
    const named = (name: string) => seen.filter(({ event }) => event === name).map(({ data }) => data)
    expect(named('TeamTaskIterationStarted').map((data) => [data.iteration, data.max_iterations])).toEqual(
      [1, 2, 3, 4, 5, 6].map((iteration) => [iteration, 7]),
    )
    expect(named('TeamTaskCreated')).toMatchObject([
      { task_id: 'task_c1', title: 'Search', assignee: 'a', status: 'pending', dependencies: [] },
      { task_id: 'task_c2', title: 'Write', assignee: 'b', status: 'pending', dependencies: ['task_c1'] },
    ])
    expect(named('TeamTaskUpdated')).toMatchObject([
      { task_id: 'task_c1', status: 'in_progress', previous_status: 'pending', assignee: 'a' },
      { task_id: 'task_c1', status: 'completed', previous_status: 'in_progress', result: 'Found.' },
      { task_id: 'task_c2', status: 'in_progress', previous_status: 'pending', assignee: 'b' },
      { task_id: 'task_c2', status: 'completed', previous_status: 'in_progress', result: 'Text.' },
    ])
    expect(named('TeamTaskStateUpdated').at(-1)).toMatchObject({
      goal_complete: true,
      completion_summary: 'Written.',
      tasks: [
        { id: 'task_c1', status: 'completed', result: 'Found.' },
        { id: 'task_c2', status: 'completed', dependencies: ['task_c1'] },
      ],
    })
    const { body } = await ask(`GET ${path}/${seen[0]!.data.run_id as string}`)
    expect(body).toMatchObject({ status: 'completed', content: 'Here it is.' })
    expect(body.member_responses).toHaveLength(2)
  })

  it('refuses what can not be done, and tells its leader why', async () => {
    const model = inTurn(
      {
        toolCalls: [
          { id: 'x1', name: 'execute_task', arguments: { task_id: 'task_none' } },
          { id: 'x2', name: 'create_task', arguments: { title: 'T', depends_on: ['task_none'] } },
          { id: 'x3', name: 'create_task', arguments: { title: 'Free' } },
        ],
      },
      {
        toolCalls: [
          { id: 'x4', name: 'execute_task', arguments: { task_id: 'task_x3' } },
          { id: 'x5', name: 'create_task', arguments: { title: 'Later', depends_on: ['task_x3'] } },
          { id: 'x6', name: 'complete_goal', arguments: { summary: 's' } },
        ],
      },
      {
        toolCalls: [
          { id: 'x7', name: 'execute_task', arguments: { task_id: 'task_x5', member_id: 'a' } },
          { id: 'x8', name: 'update_task', arguments: { task_id: 'task_x3', status: 'failed', result: 'Nobody.' } },
        ],
      },
      'I give up.',
    )
    const team = deskOf(model, [member('a', 'Done.')], { mode: 'tasks' })
    const { body } = await teamOS([team]).ask(`POST ${path}`, { message: 'Go.' })
    const tools = body.tools as { tool_call_id: string; result: string; tool_call_error: boolean }[]
    const resultOf = (id: string) => tools.find((one) => one.tool_call_id === id)!
    expect(resultOf('x1')).toMatchObject({ tool_call_error: true, result: expect.stringContaining('no task') })
    expect(resultOf('x2')).toMatchObject({ tool_call_error: true })
    expect(resultOf('x4')).toMatchObject({ tool_call_error: true, result: expect.stringContaining('no assignee') })
    expect(resultOf('x6')).toMatchObject({ tool_call_error: true, result: expect.stringContaining('open') })
    expect(resultOf('x7')).toMatchObject({ tool_call_error: true, result: expect.stringContaining('waits for') })
    expect(resultOf('x8')).toMatchObject({ tool_call_error: false })
    expect(body).toMatchObject({ status: 'completed', content: 'I give up.' })
  })
})
