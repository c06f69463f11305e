import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { Run } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ScriptedToolCall } from 'agentos-sdk/models'
import { z } from 'zod'
import { collect, names, testAgentOS } from '../support/agent-os.js'
import { textOf } from '../support/messages.js'

/** An agent with a tool of each kind that waits for somebody, and what its tools were called with. */
function waiting(...toolCalls: ScriptedToolCall[]) {
  const called: unknown[] = []
  const note = (name: string) => (args: unknown) => {
    called.push([name, args])
    return `${name} done`
  }
  const amount = z.object({ amount: z.number() })
  const model = scripted([{ toolCalls }, ({ messages }) => textOf(messages.at(-1))], { record: true })
  const tools = [
    tool({ name: 'look', execute: note('look') }),
    tool({ name: 'pay', input: amount, requiresConfirmation: true, execute: note('pay') }),
    tool({
      name: 'book',
      input: z.object({ day: z.string(), seats: z.number().int() }),
      requiresUserInput: ['seats'],
      execute: note('book'),
    }),
    tool({ name: 'print', input: z.object({ page: z.number() }), external: true }),
  ]
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools })] })
  return { agentOS, called, model, pause: () => agentOS.runs.create({ agentId: 'my-agent', message: 'Go' }) }
}

const pay = { name: 'pay', arguments: { amount: 7 }, id: 'call_pay' }

describe('a run that waits for a confirmation', () => {
  it('pauses with a requirement, and calls nothing', async () => {
    const { pause, called } = waiting(pay)
    const run = await pause()
    expect(run).toMatchObject({
      status: 'paused',
      tools: [{ toolCallId: 'call_pay', toolName: 'pay', requiresConfirmation: true, toolArgs: { amount: 7 } }],
      requirements: [{ needsConfirmation: true, toolExecution: { toolCallId: 'call_pay' } }],
    })
    expect(called).toEqual([])
  })

  it('makes the call once it is confirmed, and goes on', async () => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId, requirements } = await pause()
    const run = await agentOS.runs.continue(runId, { requirements: [{ id: requirements![0]!.id, confirmation: true }] })
    expect(run).toMatchObject({ runId, status: 'completed', content: 'pay done' })
    expect(run.requirements).toMatchObject([{ confirmation: true, toolExecution: { confirmed: true } }])
    expect(called).toEqual([['pay', { amount: 7 }]])
    expect(await agentOS.runs.get(runId)).toEqual(run)
  })

  it('adds the tokens of each leg to the session once', async () => {
    const { agentOS, pause } = waiting(pay)
    const { runId, sessionId } = await pause()
    const run = await agentOS.runs.continue(runId, { tools: [{ toolCallId: 'call_pay', confirmed: true }] })
    const { data } = await agentOS.sessions.list()
    expect(data.find((session) => session.sessionId === sessionId)?.totalTokens).toBe(run.metrics?.totalTokens)
  })

  it('tells the model the note of a rejection, and calls nothing', async () => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId } = await pause()
    const tools = [{ toolCallId: 'call_pay', confirmed: false, confirmationNote: 'Too much.' }]
    const run = await agentOS.runs.continue(runId, { tools })
    expect(run).toMatchObject({ status: 'completed', content: 'The call was rejected, and not made. Too much.' })
    expect(called).toEqual([])
  })

  it('takes edited arguments, keeps those of the model, and refuses arguments that are none of the tool', async () => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId } = await pause()
    const decide = (editedArgs: Record<string, number | string>) =>
      agentOS.runs.continue(runId, { tools: [{ toolCallId: 'call_pay', confirmed: true, editedArgs }] })
    await expect(decide({ amount: 'much' })).rejects.toMatchObject({ code: 'INVALID_TOOL_ARGS', status: 422 })
    expect((await agentOS.runs.get(runId)).status).toBe('paused')
    const run = await decide({ amount: 5 })
    expect(called).toEqual([['pay', { amount: 5 }]])
    expect(run.tools).toMatchObject([{ toolArgs: { amount: 7 }, editedArgs: { amount: 5 } }])
  })

  it('streams the new leg, its indexes going on from the old one', async () => {
    const { agentOS, pause } = waiting(pay)
    const { runId } = await pause()
    const before = await collect(await agentOS.runs.resume(runId))
    const stream = await agentOS.runs.continueStream(runId, { tools: [{ toolCallId: 'call_pay', confirmed: true }] })
    const after = await collect(stream)
    expect(names(after)[0]).toBe('RunContinued')
    expect(names(after)).toContain('ToolCallCompleted')
    expect(names(after).at(-1)).toBe('RunCompleted')
    expect(await collect(await agentOS.runs.resume(runId))).toEqual([...before, ...after])
  })

  it('is continued by one of 50 at once, 100 times', async () => {
    const trials = 100
    const { agentOS, pause, called } = waiting(pay)
    for (let trial = 0; trial < trials; trial++) {
      const { runId } = await pause()
      const attempts = await Promise.allSettled(
        Array.from({ length: 50 }, () =>
          agentOS.runs.continue(runId, { tools: [{ toolCallId: 'call_pay', confirmed: true }] }),
        ),
      )
      const refused = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason.code] : []))
      expect(refused).toHaveLength(49)
      // Whoever comes when the winner has finished already may not continue a completed run with these decisions.
      for (const code of refused) {
        expect(['RUN_ALREADY_RUNNING', 'RUN_NOT_CONTINUABLE', 'UNKNOWN_TOOL_CALL']).toContain(code)
      }
      expect(called).toHaveLength(trial + 1)
    }
    console.log(`continue: ${trials} trials of 50, one winner each`)
  })
})

describe('a run that waits for several things', () => {
  const calls: ScriptedToolCall[] = [
    { name: 'look', id: 'call_look' },
    pay,
    { name: 'book', arguments: { day: 'Monday' }, id: 'call_book' },
    { name: 'print', arguments: { page: 3 }, id: 'call_print' },
  ]
  const decisions = [
    { toolCallId: 'call_pay', confirmed: true },
    { toolCallId: 'call_book', userInputSchema: [{ name: 'seats', value: 2 }] },
    { toolCallId: 'call_print', result: 'printed' },
  ]

  it('makes the calls that wait for nobody first, and takes one decision for each of the others', async () => {
    const { agentOS, pause, called } = waiting(...calls)
    const paused = await pause()
    expect(called).toEqual([['look', {}]])
    expect(paused.requirements?.map(({ toolExecution }) => toolExecution.toolName)).toEqual(['pay', 'book', 'print'])
    const run = await agentOS.runs.continue(paused.runId, { tools: decisions })
    expect(run.status).toBe('completed')
    expect(called.slice(1)).toEqual([
      ['pay', { amount: 7 }],
      ['book', { day: 'Monday', seats: 2 }],
    ])
    expect(results(run)).toEqual({ look: 'look done', pay: 'pay done', book: 'book done', print: 'printed' })
  })

  it.each([0, 1, 2])('changes nothing when decision %i is missing', async (missing) => {
    const { agentOS, pause, called } = waiting(...calls)
    const paused = await pause()
    const given = decisions.filter((_, index) => index !== missing)
    await expect(agentOS.runs.continue(paused.runId, { tools: given })).rejects.toMatchObject({
      code: 'RUN_REQUIREMENTS_UNRESOLVED',
      requirementIds: [paused.requirements![missing]!.id],
    })
    expect(called).toHaveLength(1)
    expect(await agentOS.runs.get(paused.runId)).toEqual(paused)
  })
})

describe('what a continue can not do', () => {
  it.each([
    [{ tools: [{ toolCallId: 'call_other', confirmed: true }] }, 'UNKNOWN_TOOL_CALL'],
    [{ requirements: [{ id: 'req_other', confirmation: true }] }, 'UNKNOWN_TOOL_CALL'],
    [{ tools: [{ toolCallId: 'call_pay', result: 'paid' }] }, 'RUN_REQUIREMENTS_UNRESOLVED'],
    [{ tools: [{ toolCallId: 'call_pay', editedArgs: { amount: 1 } }] }, 'RUN_REQUIREMENTS_UNRESOLVED'],
    [{ tools: [{ toolCallId: 'call_pay', answered: true }] }, 'RUN_REQUIREMENTS_UNRESOLVED'],
    [{}, 'RUN_REQUIREMENTS_UNRESOLVED'],
  ])('%j is refused with %s', async (given, code) => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId } = await pause()
    await expect(agentOS.runs.continue(runId, given)).rejects.toMatchObject({ code })
    expect(called).toEqual([])
  })

  it('takes the name and the arguments of the stored run, whatever is sent', async () => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId } = await pause()
    const forged = { toolCallId: 'call_pay', toolName: 'look', toolArgs: { amount: 1e6 }, confirmed: true }
    await agentOS.runs.continue(runId, { tools: [forged] })
    expect(called).toEqual([['pay', { amount: 7 }]])
  })

  it('makes no new run of a decision that comes once more', async () => {
    const { agentOS, pause, called } = waiting(pay)
    const { runId, requirements } = await pause()
    const decided = (confirmation: boolean) => ({ requirements: [{ id: requirements![0]!.id, confirmation }] })
    await agentOS.runs.continue(runId, decided(true))
    for (const confirmation of [true, false]) {
      await expect(agentOS.runs.continue(runId, decided(confirmation))).rejects.toMatchObject({
        code: 'RUN_NOT_CONTINUABLE',
      })
    }
    expect(called).toHaveLength(1)
    expect((await agentOS.runs.list()).totalCount).toBe(1)
  })

  it('moves no run on that has ended', async () => {
    const { agentOS, pause } = waiting(pay)
    const { runId } = await pause()
    await agentOS.runs.cancel(runId)
    await expect(agentOS.runs.continue(runId)).rejects.toMatchObject({ code: 'RUN_NOT_CONTINUABLE', status: 409 })
  })
})

it('a failed run goes on from its last message', async () => {
  const model = scripted([{ fail: { kind: 'authentication', times: 1 }, content: 'Better now.' }])
  const agentOS = testAgentOS(model)
  const failed = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  expect(failed.status).toBe('error')
  const run = await agentOS.runs.continue(failed.runId)
  expect(run).toMatchObject({ runId: failed.runId, status: 'completed', content: 'Better now.' })
  expect(run.error).toBeUndefined()
})

function results(run: Run): Record<string, string | undefined> {
  return Object.fromEntries((run.tools ?? []).map(({ toolName, result }) => [toolName, result]))
}
