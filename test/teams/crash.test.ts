import { describe, expect, it } from 'vitest'
import { Agent, AgentOS, Team, tool } from 'agentos-sdk'
import type { RunEvent, Storage, TeamRun } from 'agentos-sdk'
import { silentLogger } from '../../src/core/logger.js'
import { collect, until } from '../support/agent-os.js'
import { sharedStorage } from '../support/two-processes.js'
import { delegate, inTurn } from './support.js'

const quick = { leaseMs: 150, sweepMs: 20, pollMs: 20, stopDeadlineMs: 500, maxAttempts: 1_000 }

/** Methods that write into the log of a run. */
const WRITES = ['accept', 'append', 'reopen'] as const

interface Death {
  /** The write at which the process dies, from 1. */
  at: number
  /** Whether that write is on disk. */
  isWritten: boolean
}

/** A process that stands still at one of its writes, and is heard of no more: how others see one that was killed. */
function dyingAt(storage: Storage, death?: Death) {
  let writes = 0
  let isDead = false
  let die = (): void => undefined
  const died = new Promise<void>((resolve) => (die = resolve))
  let bury = (): void => undefined
  const buried = new Promise<never>((_resolve, reject) => (bury = () => reject(new Error('The process is dead.'))))
  buried.catch(() => undefined)
  const runs = new Proxy(storage.runs, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...parameters: unknown[]) => Promise<unknown>
      return async (...parameters: unknown[]) => {
        if (isDead) return buried
        if (!(WRITES as readonly unknown[]).includes(name)) return method.apply(target, parameters)
        writes++
        if (writes !== death?.at) return method.apply(target, parameters)
        isDead = true
        if (death.isWritten) await method.apply(target, parameters)
        die()
        return buried
      }
    },
  })
  const dying = new Proxy(storage, {
    get: (target, name) => (name === 'runs' ? runs : (Reflect.get(target, name) as unknown)),
  })
  return { storage: dying, died, bury, count: () => writes }
}

/** A team of two members: one that does something by itself, and one that is asked about what it does. */
function start(storage: Storage, effects: string[]): AgentOS {
  const effect = (name: string, more: object = {}) =>
    tool({
      name,
      ...more,
      execute: (_args, { toolCallId }) => {
        effects.push(`${name} ${toolCallId}`)
        return `${name} done`
      },
    })
  const call = (name: string) => ({ toolCalls: [{ name, id: `call_${name}` }] })
  const members = [
    new Agent({ id: 'a', tools: [effect('once')], model: inTurn(call('once'), 'A is done.') }),
    new Agent({
      id: 'b',
      tools: [effect('asked', { requiresConfirmation: true })],
      model: inTurn(call('asked'), 'B is done.'),
    }),
  ] as const
  const inner = new Team({
    id: 'inner',
    members: [members[1]],
    model: inTurn({ toolCalls: [delegate('b', 'b')] }, 'In.'),
  })
  const desk = new Team({
    id: 'desk',
    members: [members[0], inner],
    model: inTurn({ toolCalls: [delegate('a', 'a'), delegate('inner', 'b')] }, 'All done.'),
  })
  const agentOS = new AgentOS({ teams: [desk], storage, logger: silentLogger, runs: quick })
  return agentOS
}

/** Brings the run to its end: confirms what is asked for, but for calls that may have happened already. */
async function finish(agentOS: AgentOS, runId: string): Promise<TeamRun> {
  for (;;) {
    await until(async () => !['pending', 'running'].includes((await agentOS.runs.get(runId)).status))
    const run = (await agentOS.runs.get(runId)) as TeamRun
    if (run.status !== 'paused') return run
    const tools = (run.requirements ?? [])
      .filter(({ toolExecution }) => toolExecution.requiresConfirmation)
      .map(({ toolExecution: { toolCallId, interrupted } }) => ({ toolCallId, confirmed: interrupted !== true }))
    await agentOS.runs.continueInBackground(runId, { tools })
  }
}

const named = (events: readonly RunEvent[], name: string) => events.filter(({ event }) => event === name)

/** One run from its start to its end, through the deaths of the processes that execute it. */
async function expectOneRun(...deaths: Death[]): Promise<number> {
  const shared = sharedStorage()
  const effects: string[] = []
  const runId = 'run-1'
  const begin = (agentOS: AgentOS) => agentOS.runs.start({ teamId: 'desk', message: 'Go.', runId, sessionId: 's' })
  const buried: (() => Promise<void>)[] = []
  for (const [place, death] of deaths.entries()) {
    const process = dyingAt(shared(), death)
    const agentOS = start(process.storage, effects)
    const isStored = place > 0 && !isLostAtOnce(deaths[0]!)
    const whole = (isStored ? Promise.resolve() : begin(agentOS)).then(() => finish(agentOS, runId))
    // A second one may come to the end before it dies.
    await Promise.race([whole.catch(() => undefined), process.died])
    buried.push(async () => {
      process.bury()
      await agentOS.stop({ deadlineMs: 0 }).catch(() => undefined)
    })
  }

  const told = JSON.stringify(deaths)
  const last = dyingAt(shared())
  const after = start(last.storage, effects)
  if (deaths.length === 0 || (deaths.length === 1 && isLostAtOnce(deaths[0]!))) await begin(after)
  const run = await finish(after, runId)
  expect(run, told).toMatchObject({ status: 'completed', content: 'All done.' })
  for (const name of ['once', 'asked']) {
    expect(effects.filter((one) => one.startsWith(name)).length, `${name} ${told}`).toBeLessThanOrEqual(1)
  }

  const events = await collect(await after.runs.resume(runId))
  expect(
    events.map(({ eventIndex }) => eventIndex),
    told,
  ).toEqual(events.map((_, index) => index))
  expect(events.at(-1)?.event, told).toBe('TeamRunCompleted')
  // Whatever died when: each member has had one run, which has ended once.
  for (const name of ['RunStarted', 'RunCompleted']) expect(named(events, name), `${name} ${told}`).toHaveLength(2)
  expect(named(events, 'RunError'), told).toEqual([])
  const { data: rows } = await after.runs.list({ sessionId: 's', limit: 10 })
  expect(
    rows.map(({ status }) => status),
    told,
  ).toEqual(['completed', 'completed', 'completed', 'completed'])
  const [outer, ...nested] = rows
  expect(outer, told).toEqual(run)
  const inside = (one: TeamRun): string[] =>
    (one.memberResponses ?? []).flatMap((own) => [own.runId, ...inside(own as TeamRun)])
  expect(new Set(nested.map((one) => one.runId)), told).toEqual(new Set(inside(run)))
  for (const bury of buried) await bury()
  await after.stop()
  return last.count()
}

/** Nothing is stored of the run. */
function isLostAtOnce({ at, isWritten }: Death): boolean {
  return at === 1 && !isWritten
}

describe('a team whose process dies', () => {
  it('goes on after each of its writes, and before each: nothing is done twice, and nothing is lost', async () => {
    const writes = await expectOneRun()
    expect(writes).toBeGreaterThan(10)
    for (let at = 1; at <= writes; at++) {
      for (const isWritten of [true, false]) await expectOneRun({ at, isWritten })
    }
  }, 120_000)

  it('goes on after two deaths, the second soon after the first', async () => {
    const writes = await expectOneRun()
    for (let at = 2; at <= writes; at++) {
      for (const next of [4, 5]) await expectOneRun({ at, isWritten: false }, { at: next, isWritten: true })
    }
  }, 120_000)
})
