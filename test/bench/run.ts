/**
 * `npm run bench`: what the product costs, as ratios taken side by side in this run. A part is chosen by name:
 * `npm run bench -- runs tool`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer, startServerIn } from './child.ts'
import { installedSize } from './installed.ts'
import { importTimes } from './imports.ts'
import { eventsPerSecond, requestsPerSecond } from './load.ts'
import { firstByte } from './first-byte.ts'
import { dequeueRates, eventDelays, persistedRuns } from './nodes.ts'
import { mean, median, ratio, round, show } from './report.ts'
import { readStreams } from './streams.ts'

const parts: Record<string, () => Promise<void>> = {
  /** Persisted runs over HTTP against a bare route with one insert. */
  async runs() {
    await sideBySide('plain', 0.3)
  },
  async tool() {
    await sideBySide('tool', 0.15)
  },
  async sse() {
    const ratios: number[] = []
    for (let pass = 0; pass < 3; pass++) {
      await using raw = await startServer('raw-sse')
      await using ours = await startServer('agent-os')
      const limit = await eventsPerSecond(raw, '/', {})
      const own = await eventsPerSecond(ours, '/agents/stream/runs', { message: 'Hi', stream: true })
      ratios.push(own / limit)
      show('SSE events', `${round(own)}/s of ${round(limit)}/s`, ratio(own, limit))
    }
    show('SSE events, median of three', '', `${round(median(ratios), 3)} (aim 0.4)`)
  },
  /** A run must not cost more because its session has grown long. */
  async session() {
    await using server = await startServer('agent-os')
    const times = await server.ask<number[]>('longSession')
    const early = median(times.slice(10, 60))
    const late = median(times.slice(-50))
    show(
      '1,000-run session, last 50 over runs 11 to 60',
      `${round(late, 3)} ms over ${round(early, 3)} ms`,
      `${ratio(late, early)} (at most 1.2)`,
    )
  },
  /** A step must not cost more because its run has grown long. */
  async steps() {
    await using server = await startServer('steps')
    const runs = await server.ask<number[][]>('longRuns')
    // Means within a run: what a snapshot costs now and then belongs to the steps before it.
    const early = median(runs.map((times) => mean(times.slice(0, 100))))
    const late = median(runs.map((times) => mean(times.slice(-100))))
    show(
      '1,000-step run, last hundred steps over the first',
      `${round(late, 3)} ms over ${round(early, 3)} ms`,
      ratio(late, early),
    )
    const { read, fold } = await server.ask<{ read: number; fold: number }>('readBack')
    show(
      'record of it while it runs, over a fold of its whole log',
      `${round(read, 1)} ms over ${round(fold, 1)} ms`,
      ratio(read, fold),
    )
  },
  /** A step of a workflow must not cost more because there were many before; and what it costs beside its agent. */
  async workflow() {
    await using server = await startServer('workflow')
    const { agent, workflow } = await server.ask<{ agent: number; workflow: number }>('overhead')
    show(
      'workflow of one agent over the agent alone',
      `${round(workflow, 3)} ms over ${round(agent, 3)} ms`,
      ratio(workflow, agent),
    )
    for (const kind of ['loop', 'map']) {
      const runs = await server.ask<number[][]>(kind)
      const early = median(runs.map((times) => mean(times.slice(0, 100))))
      const late = median(runs.map((times) => mean(times.slice(-100))))
      show(
        `1,000-step ${kind}, last hundred steps over the first`,
        `${round(late, 3)} ms over ${round(early, 3)} ms`,
        `${ratio(late, early)} (at most 1.2)`,
      )
    }
  },
  async memory() {
    await using server = await startServer('agent-os')
    const idle = await server.ask<number>('idle')
    show('idle server', `${round(idle / 2 ** 20)} MiB resident`)
    const { early, late } = await server.ask<{ early: number; late: number }>('memory')
    const mib = (bytes: number): string => `${round(bytes / 2 ** 20, 1)} MiB`
    show(
      'heap after 20,000 runs over that after 2,000',
      `${mib(late)} over ${mib(early)}`,
      `${ratio(late, early)} (at most 1.1)`,
    )
  },
  /** What it costs that a run outlives its client: a background run with its stream against a plain one. */
  async durability() {
    await using server = await startServer('durable', 'answer')
    const { plain, background } = await server.ask<{ plain: number; background: number }>('durability')
    show(
      'background run over plain run',
      `${round(background, 3)} ms over ${round(plain, 3)} ms`,
      ratio(background, plain),
    )
  },
  /** What tokens cost: the same requests with JWTs on against off, of one user and of many. */
  async auth() {
    for (const [what, method, path] of [
      ['runs', 'POST', '/agents/plain/runs'],
      ['reads', 'GET', '/agents'],
    ] as const) {
      const known: number[] = []
      const fresh: number[] = []
      for (let pass = 0; pass < 3; pass++) {
        await using open = await startServer('agent-os')
        await using guarded = await startServer('agent-os', 'auth')
        const limit = await requestsPerSecond(open, path, { message: 'Hi' }, { method })
        const one = await guarded.ask<string[]>('oneToken')
        const own = await requestsPerSecond(guarded, path, { message: 'Hi' }, { method, tokens: one })
        const many = await guarded.ask<string[]>('manyTokens')
        const each = await requestsPerSecond(guarded, path, { message: 'Hi' }, { method, tokens: many })
        known.push(own / limit)
        fresh.push(each / limit)
        show(what, `${round(own)}/s with a known token, ${round(each)}/s with new ones, of ${round(limit)}/s without`)
      }
      show(`${what} with a known token, median of three`, '', `${round(median(known), 3)}`)
      show(`${what} with new tokens, median of three`, '', `${round(median(fresh), 3)}`)
    }
  },
  /** What a team adds to a run of its member: a model step of the leader, its call, and a run inside of a run. */
  async delegation() {
    await using server = await startServer('team')
    const { direct, delegated } = await server.ask<{ direct: number; delegated: number }>('delegation')
    show(
      'agent behind a team over the agent itself',
      `${round(delegated, 3)} ms over ${round(direct, 3)} ms`,
      `${ratio(delegated, direct)}, +${round(delegated - direct, 3)} ms`,
    )
    const times = await server.ask<number[]>('manyDelegations')
    const [early, late] = [mean(times.slice(0, 100)), mean(times.slice(-100))]
    show(
      '1,000 delegations, last hundred over the first',
      `${round(late, 3)} ms over ${round(early, 3)} ms`,
      ratio(late, early),
    )
  },
  /** Following a finished run again, against reading its record. */
  async resume() {
    await using server = await startServer('agent-os')
    const { resume, read } = await firstByte(server)
    show(
      'first byte of a resume over a plain read',
      `${round(resume, 2)} ms over ${round(read, 2)} ms`,
      ratio(resume, read),
    )
  },
  async recovery() {
    const directory = await mkdtemp(join(tmpdir(), 'agentos-bench-'))
    const first = await startServerIn(directory, 'durable', 'hang')
    const runs = await first.ask<number>('leaveUnfinished')
    await first[Symbol.asyncDispose]()
    await using second = await startServerIn(directory, 'durable', 'answer')
    const milliseconds = await second.ask<number>('recover')
    show(`${runs} unfinished runs, taken up and completed after a kill`, `${round(milliseconds)} ms`)
    await second[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  },
  /** A reader that stalls must cost little memory, and delay nobody. */
  async stalled() {
    await using server = await startServer('ticks')
    await readStreams(server, false)
    const without = await readStreams(server, false)
    const beside = await readStreams(server, true)
    const mib = (bytes: number): string => `${round(bytes / 2 ** 20, 1)} MiB`
    show('500 streams', `p99 ${without.p99} ms over ${without.events} events, heap +${mib(without.heapGrowth)}`)
    show(
      '500 streams beside a stalled reader',
      `p99 ${beside.p99} ms, heap +${mib(beside.heapGrowth)} (at most 64 MiB)`,
    )
    show('p99 beside a stalled reader over without', '', `${ratio(beside.p99, without.p99)} (at most 1.5)`)
  },
  /** Several processes on PostgreSQL, with SQLite beside it. */
  persisted: persistedRuns,
  dequeue: dequeueRates,
  delay: eventDelays,
  async imports() {
    for (const { entry, milliseconds } of await importTimes())
      show(`import ${entry}`, `${round(milliseconds, 1)} ms over a bare start`)
  },
  async installed() {
    const { megabytes, packages } = await installedSize()
    show(
      'installed with production dependencies',
      `${round(megabytes)} MB in ${packages} packages`,
      '(aim under 150 MB)',
    )
  },
}

async function sideBySide(agent: string, aim: number): Promise<void> {
  const ratios: number[] = []
  for (let pass = 0; pass < 3; pass++) {
    await using raw = await startServer('raw-insert')
    await using ours = await startServer('agent-os')
    const limit = await requestsPerSecond(raw, '/runs', { message: 'Hi' })
    const own = await requestsPerSecond(ours, `/agents/${agent}/runs`, { message: 'Hi' })
    const { runs, complete, events } = await ours.ask<{ runs: number; complete: number; events: number }>('readBack')
    if (runs !== complete) throw new Error(`Of ${runs} runs only ${complete} have a complete log.`)
    ratios.push(own / limit)
    show(
      `runs of "${agent}"`,
      `${round(own)}/s of ${round(limit)}/s; ${runs} logs read back, ${events} events`,
      ratio(own, limit),
    )
  }
  show(`runs of "${agent}", median of three`, '', `${round(median(ratios), 3)} (aim ${aim})`)
}

const chosen = process.argv.slice(2)
for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) await parts[name]!()
