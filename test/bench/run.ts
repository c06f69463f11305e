/**
 * `npm run bench`: what the product costs, as ratios taken side by side in this run. A part is chosen by name:
 * `npm run bench -- runs tool`.
 */
import { startServer } from './child.ts'
import { installedSize } from './installed.ts'
import { importTimes } from './imports.ts'
import { eventsPerSecond, requestsPerSecond } from './load.ts'
import { median, ratio, round, show } from './report.ts'

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
