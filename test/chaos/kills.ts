import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Follower, isEnd } from './follower.ts'
import { decisions, interruptedIn, judge } from './judge.ts'
import type { RunAnswer } from './judge.ts'
import { Outside } from './outside.ts'
import type { Moment } from './outside.ts'
import { generator } from './random.ts'
import { Victim } from './victim.ts'

/** What the run is doing when its process is killed. */
export const phases = ['streaming', 'idempotent tool', 'other tool', 'between steps', 'paused', 'continuing'] as const
export type Phase = (typeof phases)[number]

export interface Trial {
  phase: Phase
  /** Killed while a tool was open that may not run twice. */
  wasInterrupted: boolean
  status: string
  faults: string[]
}

const agentPath = '/agents/chaos/runs'

/**
 * Kills the server `perPhase` times in each phase of a run, starts it again, lets a client follow the run to its end,
 * and compares all that can be seen from outside with what was promised.
 */
export async function killTrials(perPhase: number, seed: number): Promise<Trial[]> {
  const directory = await mkdtemp(join(tmpdir(), 'agentos-chaos-'))
  await using outside = await new Outside().listen()
  await using victim = await Victim.create('server.ts', {
    CHAOS_DB: join(directory, 'chaos.db'),
    CHAOS_OUTSIDE: outside.url,
  })
  const random = generator(seed)
  const trials: Trial[] = []
  try {
    await victim.start()
    for (let round = 0; round < perPhase; round++) {
      for (const phase of phases) trials.push(await trial(phase, victim, outside, random))
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  return trials
}

async function trial(phase: Phase, victim: Victim, outside: Outside, random: () => number): Promise<Trial> {
  const faults: string[] = []
  let restarted: Promise<void> | undefined
  const kill = (): boolean => {
    if (restarted) return false
    victim.kill()
    restarted = victim.start()
    return true
  }
  const aim = aimAt(phase, random)
  outside.onMoment = (moment) => (aim(moment) ? kill() : false)

  const runId = `run-${phase.replaceAll(' ', '-')}-${Math.floor(random() * 1e12)}`
  const runPath = `${agentPath}/${runId}`
  const follower = new Follower(victim.url)
  const body = JSON.stringify({ message: 'Go', run_id: runId, stream: true, background: true })
  const headers = { 'content-type': 'application/json' }
  await follower.read(agentPath, { method: 'POST', headers, body })
  let last = isEnd(follower.last) ? follower.last! : await follower.follow(runPath)

  for (let pauses = 0; last.event === 'RunPaused' && pauses < 10; pauses++) {
    if (phase === 'paused') kill()
    await restarted
    const decided = JSON.stringify({ tools: decisions(last), stream: true, background: true })
    if (phase === 'continuing') void sleep(random() * 40).then(kill)
    await follower.read(`${runPath}/continue`, { method: 'POST', headers, body: decided })
    last = isEnd(follower.last) && follower.last !== last ? follower.last! : await follower.follow(runPath)
  }
  if (phase === 'continuing') kill()
  if (!restarted) faults.push('was not killed')
  await restarted
  outside.onMoment = () => false

  const run = (await (await fetch(victim.url + runPath)).json()) as RunAnswer
  const own = outside.effects.filter((effect) => effect.runId === runId)
  const interrupted = interruptedIn(follower)
  faults.push(...follower.faults, ...judge(run, follower, own))
  if (phase === 'other tool' && !follower.seen.some(({ event }) => event === 'RunRecovered')) {
    faults.push('does not say that it was recovered')
  }
  const replay = new Follower(victim.url)
  await replay.follow(runPath)
  if (JSON.stringify(replay.seen) !== JSON.stringify(follower.seen)) faults.push('a replay shows other events')
  return { phase, wasInterrupted: interrupted.size > 0, status: run.status, faults }
}

/** When to kill: at a random moment of the phase. */
function aimAt(phase: Phase, random: () => number): (moment: Moment) => boolean {
  const step = Math.floor(random() * 3)
  const chunk = Math.floor(random() * 3)
  const idempotent = random() < 0.5 ? 'idem_a' : 'idem_c'
  const other = random() < 0.5 ? 'once_b' : 'gate_d'
  switch (phase) {
    case 'streaming':
      return (moment) => moment.kind === 'chunk' && moment.step === step && moment.chunk === chunk
    case 'idempotent tool':
      return (moment) => moment.kind === 'effect' && moment.name === idempotent
    case 'other tool':
      return (moment) => moment.kind === 'effect' && moment.name === other
    case 'between steps':
      return (moment) => moment.kind === 'request' && moment.step === Math.max(1, step)
    default:
      return () => false
  }
}

/** End states and interruptions per phase, for people. */
export function summary(trials: readonly Trial[]): Record<string, Record<string, number>> {
  return Object.fromEntries(
    phases.map((phase) => {
      const own = trials.filter((one) => one.phase === phase)
      const counts: Record<string, number> = { kills: own.length, interrupted: 0, faults: 0 }
      for (const { status, wasInterrupted, faults } of own) {
        counts[status] = (counts[status] ?? 0) + 1
        if (wasInterrupted) counts.interrupted! += 1
        if (faults.length > 0) counts.faults! += 1
      }
      return [phase, counts]
    }),
  )
}
