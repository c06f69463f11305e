import type { AgentRun } from '../../src/agents/log/run-record.js'
import { describe, expect, it } from 'vitest'
import { Agent, tool } from 'agentos-sdk'
import type { Storage } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { UnavailableError } from '../../src/core/errors.js'
import { collect, gate, testAgentOS, until } from '../support/agent-os.js'

const quick = { leaseMs: 2000, sweepMs: 30, pollMs: 20 }

/** A storage whose method fails once, at a call of the test's choice. */
function failing(method: keyof Storage['runs'], error: Error, isDue: () => boolean): Storage {
  const storage = sqlite(':memory:')
  let hasFailed = false
  const original = storage.runs[method].bind(storage.runs) as (...parameters: unknown[]) => Promise<unknown>
  const runs = new Proxy(storage.runs, {
    get: (target, name) => {
      if (name !== method) return Reflect.get(target, name) as unknown
      return (...parameters: unknown[]) => {
        if (hasFailed || !isDue()) return original(...parameters)
        hasFailed = true
        return Promise.reject(error)
      }
    },
  })
  return new Proxy(storage, {
    get: (target, name) => (name === 'runs' ? runs : (Reflect.get(target, name) as unknown)),
  })
}

describe('a storage that fails once', () => {
  it.each([
    ['begin', new UnavailableError('DATABASE_UNAVAILABLE', 'away')],
    ['window', new UnavailableError('DATABASE_UNAVAILABLE', 'away')],
    ['append', new Error('A fault of the driver.')],
  ] as const)('in %s strands neither a run nor its session', async (method, error) => {
    let isArmed = false
    const { opened, open } = gate()
    const agentOS = testAgentOS(scripted({ content: 'Done.', stall: { until: opened } }), {
      storage: failing(method, error, () => isArmed),
      runs: quick,
    })
    const stream = agentOS.runs.streamInBackground({ agentId: 'my-agent', message: 'one', sessionId: 's' })
    await stream.accepted
    await until(async () => (await agentOS.runs.get(stream.runId)).status === 'running')
    const second = agentOS.runs.stream({ agentId: 'my-agent', message: 'two', sessionId: 's' })
    await second.accepted
    isArmed = true
    open()
    const ends = await Promise.all([collect(stream), collect(second)])
    // A fault that is no outage may end the run; what it may not do is leave it, or the session, standing.
    for (const events of ends) expect(['RunCompleted', 'RunError']).toContain(events.at(-1)?.event)
    const third = await agentOS.runs.create({ agentId: 'my-agent', message: 'three', sessionId: 's' })
    expect(third.status).toBe('completed')
  })
})

describe('what JSON can not hold', () => {
  it('ends the run as error when a tool puts it into the state, and the session goes on', async () => {
    const model = scripted(({ messages }) =>
      messages.length === 1 && messages[0]?.content === 'break' ? { toolCalls: [{ name: 'spoil' }] } : 'Fine.',
    )
    const spoil = tool({
      name: 'spoil',
      execute: (_args, { sessionState }) => {
        Object.assign(sessionState, { count: 10n })
        return 'spoiled'
      },
    })
    const agentOS = testAgentOS(model, {
      agents: [new Agent({ id: 'my-agent', model, tools: [spoil], history: false })],
      runs: quick,
    })
    const broken = await agentOS.runs.create({ agentId: 'my-agent', message: 'break', sessionId: 's' })
    expect(broken).toMatchObject({ status: 'error', error: { errorCode: 'INTERNAL_ERROR' } })
    expect(await agentOS.runs.get(broken.runId)).toMatchObject({ status: 'error' })
    const next = await agentOS.runs.create({ agentId: 'my-agent', message: 'go on', sessionId: 's' })
    expect(next).toMatchObject({ status: 'completed', content: 'Fine.' })
  })
})

it('a custom event is shown as it was told, whatever its fields look like', async () => {
  const model = scripted([{ toolCalls: [{ name: 'tell' }] }, 'Told.'])
  const forged = { files: [{ mediaHash: 'a'.repeat(64), asText: true }], image: { content: 'not base64, just text!' } }
  const tell = tool({
    name: 'tell',
    execute: (_args, { emit }) => {
      emit(forged)
      return 'ok'
    },
  })
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [tell] })] })
  const live = await collect(agentOS.runs.stream({ agentId: 'my-agent', message: 'Hi' }))
  expect(live.find(({ event }) => event === 'CustomEvent')).toMatchObject(forged)
  expect(await collect(await agentOS.runs.resume(live[0]!.runId))).toEqual(live)
})

it('dependencies that a token pins stay pinned when the run is continued', async () => {
  const seen: unknown[] = []
  const model = scripted([{ toolCalls: [{ name: 'pay' }] }, 'Paid.'])
  const pay = tool({
    name: 'pay',
    requiresConfirmation: true,
    execute: (_args, { dependencies }) => {
      seen.push(dependencies)
      return 'ok'
    },
  })
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, tools: [pay] })] })
  const pinned = agentOS.as({ ...fullCaller, dependencies: { tenant: 'alice-inc' } })
  const { runId, requirements } = await pinned.runs.create({ agentId: 'my-agent', message: 'Go' })
  const decided = { requirements: [{ id: requirements![0]!.id, confirmation: true }] }
  await pinned.runs.continue(runId, { ...decided, dependencies: { tenant: 'evil-corp' } })
  expect(seen).toEqual([{ tenant: 'alice-inc' }])
})

it('a client that waits when the server stops is told so, and gets no unfinished run', async () => {
  const agentOS = testAgentOS(scripted({ stall: true }), { runs: { ...quick, stopDeadlineMs: 50 } })
  const waiting = agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  await until(async () => (await agentOS.runs.list()).data.length === 1)
  const [answer] = await Promise.allSettled([waiting, agentOS.stop()])
  expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'SHUTTING_DOWN', status: 503 } })
})

it('a list with more media than one answer should hold leaves out the content of the older ones', async () => {
  const model = scripted('Seen.')
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model, history: false })] })
  const content = Buffer.alloc(4 * 1024 * 1024, 'x').toString('base64')
  for (let index = 0; index < 6; index++) {
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Look', images: [{ content, mimeType: 'image/png' }] })
  }
  const { data } = await agentOS.runs.list()
  const shown = data.map((run) => (run as AgentRun).input?.images?.[0]?.content !== undefined)
  expect(shown.at(-1)).toBe(true)
  expect(shown[0]).toBe(false)
  expect((data[0] as AgentRun).input?.images).toMatchObject([{ id: expect.any(String), mimeType: 'image/png' }])
})
