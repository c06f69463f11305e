import { describe, expect, it } from 'vitest'
import { Agent, runnable, Team, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { z } from 'zod'
import type { Caller } from '../../src/core/caller.js'
import { gate, until } from '../support/agent-os.js'
import { scopedCaller } from '../support/served-os.js'
import { broadcast, delegate, deskOf, inTurn, member, teamOS, told } from './support.js'
import type { Body } from './support.js'

const path = '/teams/desk/runs'
const responsesOf = (run: Body) => run.member_responses as Body[]
const failing = (id: string) => member(id, { fail: { kind: 'authentication', message: 'No key.' } })
const lastAsked = (agent: ReturnType<typeof inTurn>) => agent.requests.at(-1)!.messages.at(-1)!.content

describe('a member that fails', () => {
  it('does not fail the team: its leader is told', async () => {
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, 'Without A.')
    const { events } = teamOS([deskOf(model, [failing('a')])])
    const seen = await events(path, { message: 'Go.' })
    expect(told(seen).slice(-8)).toEqual(
      [
        'ModelRequestStarted a',
        'RunError a',
        'TeamToolCallCompleted desk',
        'TeamToolCallError desk',
        'TeamModelRequestStarted desk',
        'TeamRunContent desk',
        'TeamModelRequestCompleted desk',
        'TeamRunContentCompleted desk',
        'TeamRunCompleted desk',
      ].slice(-8),
    )
    expect(lastAsked(model)).toContain('Member "a" has failed')
    expect(seen.at(-1)!.data).toMatchObject({ content: 'Without A.', member_responses: [{ status: 'error' }] })
  })

  it('fails the team where that is asked for, with its error, and the others end as cancelled', async () => {
    const slow = new Agent({ id: 'b', model: scripted({ content: 'B', stall: true }) })
    const model = inTurn({ toolCalls: [broadcast('x')] })
    const team = deskOf(model, [failing('a'), slow], { mode: 'broadcast', failsWithMember: true })
    const { ask, events } = teamOS([team])
    const seen = await events(path, { message: 'Go.', session_id: 's' })
    expect(told(seen).filter((one) => /Error|Cancelled/.test(one))).toEqual([
      'RunError a',
      'RunCancelled b',
      'TeamRunError desk',
    ])
    expect(seen.at(-1)!.data).toMatchObject({ error_code: 'MODEL_AUTH_FAILED' })
    const { body: run } = await ask(`GET ${path}/${seen[0]!.data.run_id as string}`)
    expect(run).toMatchObject({ status: 'error', error: { error_code: 'MODEL_AUTH_FAILED' } })
    const rows = (await ask('GET /sessions/s/runs')).body as unknown as Body[]
    expect(rows.map(({ status }) => status)).toEqual(['error', 'error', 'cancelled'])
  })

  it('is tried again in its own run when a team that it has failed goes on', async () => {
    let tries = 0
    const model = scripted(() => (tries++ === 0 ? { fail: 'authentication' } : 'Now it works.'))
    const leader = inTurn({ toolCalls: [delegate('a', 'x')] }, 'Done.')
    const team = deskOf(leader, [new Agent({ id: 'a', model })], { failsWithMember: true })
    const { ask } = teamOS([team])
    const { body: failed } = await ask(`POST ${path}`, { message: 'Go.' })
    expect(failed.status).toBe('error')
    const { body: run } = await ask(`POST ${path}/${failed.run_id as string}/continue`)
    expect(run).toMatchObject({ status: 'completed', content: 'Done.', member_responses: [{ status: 'completed' }] })
    expect(responsesOf(run)[0]!.run_id).toBe(responsesOf(failed)[0]!.run_id)
  })

  it('has a time limit of its own', async () => {
    const slow = new Agent({ id: 'a', timeoutMs: 30, model: scripted({ content: 'A', stall: true }) })
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, 'Without A.')
    const { body } = await teamOS([deskOf(model, [slow])]).ask(`POST ${path}`, { message: 'Go.' })
    expect(body).toMatchObject({ status: 'completed', content: 'Without A.' })
    expect(responsesOf(body)[0]).toMatchObject({ status: 'error', error: { error_code: 'RUN_TIMEOUT' } })
  })

  it('stops what goes on inside of it', async () => {
    let signal: AbortSignal | undefined
    const work = tool({
      name: 'work',
      execute: (_args, context) => {
        signal = context.signal
        return new Promise<string>(() => undefined)
      },
    })
    const worker = new Agent({ id: 'w', tools: [work], model: inTurn({ toolCalls: [{ name: 'work' }] }) })
    const inner = new Team({
      id: 'inner',
      members: [worker, failing('f')],
      failsWithMember: true,
      model: inTurn({ toolCalls: [delegate('w', 'x'), delegate('f', 'y')] }),
    })
    const model = inTurn({ toolCalls: [delegate('inner', 'x')] }, 'Without them.')
    const { events } = teamOS([deskOf(model, [inner])])
    const seen = await events(path, { message: 'Go.' })
    expect(told(seen).filter((one) => /Error|Cancelled|RunCompleted/.test(one))).toEqual([
      'RunError f',
      'ToolCallError w',
      'RunCancelled w',
      'TeamRunError inner',
      'TeamToolCallError desk',
      'TeamRunCompleted desk',
    ])
    expect(signal?.aborted).toBe(true)
  })
})

describe('a leader', () => {
  it('is told of members that are none, and has a limit of steps', async () => {
    const model = inTurn({ toolCalls: [delegate('nobody', 'x')] }, { toolCalls: [delegate('a', 'x')] })
    const { ask } = teamOS([deskOf(model, [member('a', 'A')], { stepLimit: 2 })])
    const { body } = await ask(`POST ${path}`, { message: 'Go.' })
    expect(body).toMatchObject({ status: 'error', error: { error_code: 'STEP_LIMIT_REACHED' } })
    expect(body.tools).toMatchObject([{ tool_call_error: true }, { tool_call_error: false, result: 'A' }])
  })

  it('can give an answer of a form', async () => {
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, { content: { total: 7 } })
    const team = deskOf(model, [member('a', 'Seven.')], { output: z.object({ total: z.number() }) })
    const { body } = await teamOS([team]).ask(`POST ${path}`, { message: 'Go.' })
    expect(body).toMatchObject({ status: 'completed', content: { total: 7 } })
  })
})

describe('what members are told', () => {
  it("is their task, with the team's instructions for them, and earlier answers where these are shared", async () => {
    const [a, b] = [inTurn('A says.'), inTurn('B says.')]
    const model = inTurn({ toolCalls: [delegate('a', 'First.')] }, { toolCalls: [delegate('b', 'Second.')] }, 'Done.')
    const team = deskOf(model, [new Agent({ id: 'a', model: a }), new Agent({ id: 'b', model: b })], {
      memberInstructions: { a: 'Be brief.' },
      sharesMemberAnswers: true,
    })
    await teamOS([team]).ask(`POST ${path}`, { message: 'Go.' })
    expect(lastAsked(a)).toBe('Be brief.\n\nFirst.')
    expect(lastAsked(b)).toContain('<answer>A says.</answer>')
    expect(lastAsked(b)).toMatch(/\n\nSecond\.$/)
  })

  it.each([true, false])('holds the earlier runs of the session only where history is shared: %s', async (shares) => {
    const a = inTurn('A says.')
    const model = inTurn({ toolCalls: [delegate('a', 'Task.')] }, 'Done.')
    const { ask } = teamOS([deskOf(model, [new Agent({ id: 'a', model: a })], { sharesHistory: shares })])
    await ask(`POST ${path}`, { message: 'One.', session_id: 's' })
    await ask(`POST ${path}`, { message: 'Two.', session_id: 's' })
    const texts = a.requests.at(-1)!.messages.map(({ content }) => content)
    expect(texts.includes('One.')).toBe(shares)
    expect(texts.at(-1)).toBe('Task.')
  })

  it('comes with the media of the request, and theirs come back', async () => {
    const a = inTurn('A sees.')
    const model = inTurn({ toolCalls: [delegate('a', 'Look.')] }, 'Done.')
    const { ask } = teamOS([deskOf(model, [new Agent({ id: 'a', model: a })])])
    await ask(`POST ${path}`, { message: 'Go.', images: [{ url: 'https://host.example/cat.png' }] })
    expect(lastAsked(a)).toMatchObject([{ type: 'text', text: 'Look.' }, { type: 'image' }])
  })

  it('includes the state of the session, which all of them change', async () => {
    const add = tool({
      name: 'add',
      execute: (_args, { sessionState }) => {
        sessionState.count = Number(sessionState.count ?? 0) + 1
        return String(sessionState.count)
      },
    })
    const adding = (id: string) =>
      new Agent({ id, tools: [add], model: inTurn({ toolCalls: [{ name: 'add' }] }, `${id} added.`) })
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, { toolCalls: [delegate('b', 'x')] }, 'Done.')
    const { ask } = teamOS([deskOf(model, [adding('a'), adding('b')])])
    const { body } = await ask(`POST ${path}`, { message: 'Go.', session_id: 's', session_state: { count: 5 } })
    expect(body.session_state).toMatchObject({ count: 7 })
    expect((await ask('GET /sessions/s?type=team')).body.session_state).toEqual({ count: 7 })
  })
})

describe('a foreign agent', () => {
  it('can be a member', async () => {
    const foreign = runnable({
      id: 'f',
      framework: 'other',
      async *run() {
        yield 'From elsewhere.'
      },
    })
    const model = inTurn({ toolCalls: [delegate('f', 'x')] }, 'Done.')
    const { body } = await teamOS([deskOf(model, [foreign])]).ask(`POST ${path}`, { message: 'Go.' })
    expect(body).toMatchObject({ status: 'completed', tools: [{ result: 'From elsewhere.' }] })
    expect(responsesOf(body)).toMatchObject([{ agent_id: 'f', content: 'From elsewhere.' }])
  })
})

describe('a stream without all events', () => {
  it('holds the texts, and the begin and end of each run', async () => {
    const model = inTurn({ toolCalls: [delegate('a', 'x')] }, 'Done.')
    const { events } = teamOS([deskOf(model, [member('a', 'A')])])
    const seen = await events(path, { message: 'Go.', stream_events: false })
    expect(told(seen)).toEqual([
      'TeamRunStarted desk',
      'RunStarted a',
      'RunContent a',
      'RunCompleted a',
      'TeamRunContent desk',
      'TeamRunCompleted desk',
    ])
  })
})

describe('a team that is cancelled', () => {
  it('ends its members first', async () => {
    const { opened } = gate()
    const slow = new Agent({
      id: 'a',
      model: scripted({ content: 'Long enough a text.', stall: { afterDeltas: 1, until: opened } }),
    })
    const { agentOS, ask } = teamOS([deskOf(inTurn({ toolCalls: [delegate('a', 'x')] }), [slow])])
    const stream = agentOS.runs.streamInBackground({ teamId: 'desk', message: 'Go.', sessionId: 's' })
    await stream.accepted
    await until(async () => (await agentOS.runs.list({ sessionId: 's' })).data.length === 2)
    expect((await ask(`POST ${path}/${stream.runId}/cancel`)).body.status).toBe('cancelled')
    const events = []
    for await (const event of stream) events.push(event.event)
    expect(events.filter((event) => event.includes('Cancelled'))).toEqual(['RunCancelled', 'TeamRunCancelled'])
    expect(events.at(-1)).toBe('TeamRunCancelled')
    const { data } = await agentOS.runs.list({ sessionId: 's' })
    expect(data.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  })
})

describe('the routes of teams', () => {
  const team = () => deskOf(inTurn({ toolCalls: [delegate('a', 'x')] }, 'Done.'), [member('a', 'A')])

  it('list and describe teams with their members', async () => {
    const { ask } = teamOS([team()])
    const described = { id: 'desk', name: 'Desk', mode: 'coordinate', members: [{ id: 'a', name: 'A' }] }
    expect((await ask('GET /teams')).body).toMatchObject([described])
    expect((await ask('GET /teams/desk')).body).toMatchObject(described)
    expect((await ask('GET /teams/none')).body.error_code).toBe('TEAM_NOT_FOUND')
    expect((await ask('POST /teams/none/runs', { message: 'x' })).body.error_code).toBe('TEAM_NOT_FOUND')
  })

  it('list only runs of the team itself, and show a run again from anywhere', async () => {
    const { ask, events } = teamOS([team()])
    const seen = await events(path, { message: 'Go.', session_id: 's' })
    const runId = seen[0]!.data.run_id as string
    const rows = (await ask(`GET ${path}`)).body as unknown as Body[]
    expect(rows.map((row) => [row.run_id, row.team_id])).toEqual([[runId, 'desk']])
    const again = await events(`${path}/${runId}/resume`, { last_event_index: 4 })
    expect(again[0]!.event).toBe('replay')
    expect(again.slice(1)).toEqual(seen.slice(5))
  })

  it('have checkpoints, whose snapshots keep the answers of members', async () => {
    const { ask } = teamOS([team()])
    const { body: run } = await ask(`POST ${path}`, { message: 'Go.' })
    const runPath = `${path}/${run.run_id as string}`
    const { body } = await ask(`GET ${runPath}/checkpoints`)
    const last = (body.checkpoints as Body[]).at(-1)!
    expect(last).toMatchObject({ reason: 'end', status: 'completed' })
    const { body: at } = await ask(`GET ${runPath}/checkpoints/${last.message_index as number}`)
    expect(at.snapshot).toMatchObject({ team_id: 'desk', member_responses: [{ agent_id: 'a', content: 'A' }] })
  })

  it('fork and regenerate: the copy has members of its own', async () => {
    const { ask } = teamOS([team()])
    const { body: run } = await ask(`POST ${path}`, { message: 'Go.', session_id: 's' })
    const again = `POST ${path}/${run.run_id as string}/continue`
    const { body: fork } = await ask(again, { continue_from: 'last_user', fork: true })
    expect(fork).toMatchObject({ status: 'completed', forked_from_run_id: run.run_id, content: 'Done.' })
    expect(responsesOf(fork)).toHaveLength(1)
    expect(responsesOf(fork)[0]).toMatchObject({ parent_run_id: fork.run_id })
    const { body: regenerated } = await ask(again, { regenerate: true })
    expect(regenerated).toMatchObject({ status: 'completed', regenerated_from: run.run_id })
    expect((await ask(`GET ${path}/${run.run_id as string}`)).body.status).toBe('regenerated')
  })

  it('copy a session with the runs of members, under new ids wherever they are named', async () => {
    const { agentOS, ask, events } = teamOS([team()])
    const { body: run } = await ask(`POST ${path}`, { message: 'Go.', session_id: 's', metadata: { s: 's' } })
    const { status, body: forked } = await ask('POST /teams/desk/sessions/s/fork')
    expect(status).toBe(201)
    const { data: copies } = await agentOS.runs.list({ sessionId: forked.session_id as string })
    expect(copies).toHaveLength(2)
    const copy = copies[0]!
    const { body: record } = await ask(`GET ${path}/${copy.runId}`)
    const log = await events(`${path}/${copy.runId}/resume`)
    const ids = [run.run_id, responsesOf(run)[0]!.run_id] as string[]
    for (const text of [JSON.stringify(record), JSON.stringify(log)]) {
      for (const id of ids) expect(text.replaceAll(`"forked_from_run_id":"${id}"`, '')).not.toContain(id)
      expect(text).not.toContain('"session_id":"s"')
    }
    expect(responsesOf(record)[0]).toMatchObject({ run_id: copies[1]!.runId, parent_run_id: copy.runId })
    expect((record.tools as Body[])[0]!.child_run_id).toBe(copies[1]!.runId)
    expect(copies[1]).toMatchObject({ parentRunId: copy.runId, status: 'completed', content: 'A' })
    const { body: again } = await ask(`POST ${path}/${copy.runId}/continue`, { regenerate: true })
    expect(again.status).toBe('completed')
  })

  it('forget the runs of members with their session', async () => {
    const { agentOS, ask } = teamOS([team()])
    const { body: run } = await ask(`POST ${path}`, { message: 'Go.', session_id: 's' })
    const inside = responsesOf(run)[0]!.run_id as string
    expect((await agentOS.runs.get(inside)).status).toBe('completed')
    expect((await ask('DELETE /sessions/s')).status).toBe(204)
    await expect(agentOS.runs.get(inside)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })
})

describe('runs of members', () => {
  it('are their user’s, like the team’s', async () => {
    const { agentOS } = teamOS([deskOf(inTurn({ toolCalls: [delegate('a', 'x')] }, 'Done.'), [member('a', 'A')])])
    const run = await agentOS.runs.create({ teamId: 'desk', message: 'Go.', userId: 'alice' })
    const inside = run.memberResponses![0]!.runId
    const of = (caller: Caller) => agentOS.as(caller).runs.get(inside)
    expect(await of(scopedCaller('alice'))).toMatchObject({ userId: 'alice', content: 'A' })
    await expect(of(scopedCaller('bob'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('are followed by themselves in code', async () => {
    const { agentOS } = teamOS([deskOf(inTurn({ toolCalls: [delegate('a', 'x')] }, 'Done.'), [member('a', 'A')])])
    const run = await agentOS.runs.create({ teamId: 'desk', message: 'Go.' })
    const inside = run.memberResponses![0]!.runId
    const seen = []
    for await (const event of await agentOS.runs.resume(inside)) seen.push(event)
    expect(new Set(seen.map(({ runId }) => runId))).toEqual(new Set([inside]))
    expect(seen.at(-1)!.event).toBe('RunCompleted')
  })

  it('can be hundreds', async () => {
    const count = 500
    const model = scripted(({ messages }) => {
      const done = messages.filter(({ role }) => role === 'tool').length
      return done < count ? { toolCalls: [delegate('a', `Task ${done}.`)] } : 'Done.'
    })
    const { body } = await teamOS([
      deskOf(model, [new Agent({ id: 'a', model: scripted('A') })], { stepLimit: count + 1 }),
    ]).ask(`POST ${path}`, { message: 'Go.' })
    expect(body.status).toBe('completed')
    expect(responsesOf(body)).toHaveLength(count)
  })
})
