import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentOS } from 'agentos-sdk'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { FlowClient } from './flow-client.ts'
import type { FlowEvent } from './flow-client.ts'
import { chaosTeam, chaosWorkflow } from './flow.ts'
import { isOver, judgeApprovals, judgeFlow, judgeRows, keyOf } from './flow-judge.ts'
import { Killer, drawKills } from './killer.ts'
import { Outside } from './outside.ts'
import { generator } from './random.ts'
import { Victim } from './victim.ts'

export interface FlowTrial {
  /** `flowTrials(1, seed)` is the same trial, as far as the machine lets it. */
  seed: number
  /** Moments at which the process was killed. */
  kills: string[]
  counts: Record<string, number>
  faults: string[]
}

/**
 * Has one run of a workflow and one of a team go on at the same time on a server that is killed again and again, lets a
 * client follow each to its end, and compares all that can be seen from outside with what was promised.
 *
 * @param database URL of an empty PostgreSQL database. Default: a new SQLite file.
 */
export async function flowTrials(trials: number, seed: number, database?: string): Promise<FlowTrial[]> {
  const directory = await mkdtemp(join(tmpdir(), 'agentos-chaos-'))
  const file = join(directory, 'chaos.db')
  const done: FlowTrial[] = []
  try {
    await using outside = await new Outside().listen()
    {
      const env = { CHAOS_DB: database ?? file, CHAOS_OUTSIDE: outside.url }
      await using victim = await Victim.create('server.ts', env)
      await victim.start()
      for (let at = 0; at < trials; at++) done.push(await trial(seed + at, victim, outside))
    }
    const agentOS = new AgentOS({
      workflows: [chaosWorkflow(outside.url)],
      teams: [chaosTeam(outside.url)],
      storage: database === undefined ? sqlite(file) : postgres(database),
    })
    for (const one of done) {
      for (const runId of runsOf(one.seed)) {
        one.faults.push(...(await judgeRows(agentOS, runId)).map((fault) => `${runId}: ${fault}`))
      }
    }
    await agentOS.stop()
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  return done
}

function runsOf(seed: number): readonly [string, string] {
  return [`workflow-${seed}`, `team-${seed}`]
}

async function trial(seed: number, victim: Victim, outside: Outside): Promise<FlowTrial> {
  const random = generator(seed)
  const manners = { isEarly: random() < 0.3, continuesByApproval: random() < 0.5 }
  // Up to a second the process waits; a longer sleep pauses the run.
  const message = { restMs: random() < 0.5 ? 60 : 1_050 }
  const killer = new Killer(victim, drawKills(random))
  const [workflowId, teamId] = runsOf(seed)
  const clients = [
    new FlowClient(victim.url, 'workflow', workflowId, message, manners),
    new FlowClient(victim.url, 'team', teamId, 'Go', manners),
  ]
  const from = outside.effects.length
  const overAt = new Map<string, number>()
  for (const client of clients) {
    client.onDecision = () => killer.onDecision()
    client.follower.onEvent = (event) => {
      const key = keyOf(event as FlowEvent)
      if (key !== undefined && isOver(event as FlowEvent)) overAt.set(key, outside.effects.length - from)
      killer.onEvent(event.event)
    }
  }
  outside.onMoment = (moment) => moment.kind === 'effect' && killer.onEffect(moment.name)
  killer.arm()
  const faults: string[] = []
  const counts: Record<string, number> = {}
  try {
    await Promise.all(clients.map((client) => client.toTheEnd()))
  } catch (error) {
    faults.push(String(error))
  }
  await killer.disarm()
  outside.onMoment = () => false
  // What is to run twice has time to.
  await sleep(50)
  const effects = outside.effects.slice(from)
  if (faults.length > 0) return { seed, kills: killer.done, counts, faults }
  for (const client of clients) {
    const verdicts = [judgeFlow(client, effects, overAt), await judgeApprovals(client)]
    const replay = client.reader()
    await replay.follow(client.runPath)
    if (JSON.stringify(replay.seen) !== JSON.stringify(client.seen)) {
      verdicts.push({ faults: ['a replay shows other events'], counts: {} })
    }
    for (const verdict of verdicts) {
      faults.push(...verdict.faults.map((fault) => `${client.runId}: ${fault}`))
      for (const [what, count] of Object.entries(verdict.counts)) counts[what] = (counts[what] ?? 0) + count
    }
  }
  return { seed, kills: killer.done, counts, faults }
}

/** All trials together, for people. */
export function flowSummary(trials: readonly FlowTrial[]): Record<string, number> {
  const kills = trials.flatMap((one) => one.kills)
  const total: Record<string, number> = { trials: trials.length, runs: trials.length * 2, kills: kills.length }
  for (const kind of ['at an event', 'in an effect', 'while deciding', 'at some time', 'while it started']) {
    total[`kills ${kind}`] = kills.filter((kill) => kill.startsWith(kind)).length
  }
  for (const { counts } of trials) {
    for (const [what, count] of Object.entries(counts)) total[what] = (total[what] ?? 0) + count
  }
  total['trials with faults'] = trials.filter(({ faults }) => faults.length > 0).length
  return total
}
