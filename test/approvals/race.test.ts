import { expect, it, onTestFinished } from 'vitest'
import type { Storage } from 'agentos-sdk'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { temporaryPath } from '../storage/support/temporary.js'
import { until } from '../support/agent-os.js'
import { createDatabase } from '../support/postgres-database.js'
import { resolveAll } from '../support/resolve-all.js'
import { startNode } from '../support/start-node.js'
import { gated, pausedOn } from './support.js'

/** The long form: `APPROVAL_TRIALS=1000 npx vitest run test/approvals/race.test.ts`. */
const TRIALS = Number(process.env.APPROVAL_TRIALS ?? 25)
const RESOLVERS = 50

/** The database of two servers, each a process of its own. */
const databases: Record<string, () => Promise<{ here: Storage; there: string }>> = {
  SQLite: () => {
    const path = temporaryPath()
    return Promise.resolve({ here: sqlite(path), there: path })
  },
  PostgreSQL: async () => {
    const database = await createDatabase()
    onTestFinished(() => database[Symbol.asyncDispose]())
    return { here: postgres(database.url('one')), there: database.url('other') }
  },
}

it.each(Object.entries(databases))(
  `on %s: of ${RESOLVERS} who resolve at once, one wins, and the others are told which; ${TRIALS} times`,
  async (dialect, open) => {
    const { here: storage, there: database } = await open()
    const first = gated({ storage })
    const second = await startNode(database)
    const tally = { approved: 0, rejected: 0, there: 0, told: 0, ran: 0 }
    for (let trial = 0; trial < TRIALS; trial++) {
      const { run, approval } = await pausedOn(first.agentOS, first.start())
      const before = first.called.length
      const resolutions = Array.from({ length: RESOLVERS }, (_, at) => ({
        // Who approves has its arguments checked first, and so comes later than who rejects: often all approve.
        status: trial % 2 === 0 || at % 3 === 0 ? ('approved' as const) : ('rejected' as const),
        resolvedBy: `r${at}`,
        continueRun: at % 4 > 1,
      }))
      const half = (rest: number) => resolutions.filter((_, at) => at % 2 === rest)
      const [there, here] = await Promise.all([
        second.ask('resolve', { id: approval.id, resolutions: half(1) }),
        resolveAll(first.agentOS, approval.id, half(0)),
      ])
      const won = [...here, ...there].filter((one) => 'status' in one)
      expect(won).toHaveLength(1)
      const { status, resolvedBy } = won[0]!
      if (there.includes(won[0]!)) tally.there += 1
      for (const one of [...here, ...there]) {
        if ('status' in one) continue
        expect(one.refused).toContain(`was ${status} by "${resolvedBy}"`)
        expect(one.code).toBe('APPROVAL_ALREADY_RESOLVED')
        tally.told += 1
      }
      expect(await first.agentOS.approvals.get(approval.id)).toMatchObject({ status, resolvedBy })
      // Whoever wants the run to go on may do so at any time; it goes on once.
      await Promise.allSettled([first.agentOS.runs.continue(run.runId), second.ask('continue', run.runId)])
      await until(async () => (await first.agentOS.runs.get(run.runId)).status === 'completed')
      const pays = await second.ask('pays')
      const ran = first.called.length - before + pays.filter((runId) => runId === run.runId).length
      expect(ran).toBe(status === 'approved' ? 1 : 0)
      tally[status === 'approved' ? 'approved' : 'rejected'] += 1
      tally.ran += ran
    }
    console.log(
      `${dialect}: ${TRIALS} approvals, ${RESOLVERS} resolvers each, two processes: ${tally.approved} approved, ` +
        `${tally.rejected} rejected, ${tally.there} won by the second one, ` +
        `${tally.told} were told who was faster; the tool ran ${tally.ran} times`,
    )
  },
  1_200_000,
)

it('of a resolution and the cancelling of the run, both leave one story', async () => {
  const { agentOS, start, called } = gated()
  const ends = { approved: 0, cancelled: 0 }
  for (let trial = 0; trial < 50; trial++) {
    const { run, approval } = await pausedOn(agentOS, start())
    const before = called.length
    const [resolved] = await Promise.allSettled([
      later(trial % 5, () => agentOS.approvals.resolve(approval.id, { status: 'approved', continueRun: true })),
      later(trial % 3, () => agentOS.runs.cancel(run.runId)),
    ])
    const { status } = await agentOS.approvals.get(approval.id)
    expect(status).toBe(resolved.status === 'fulfilled' ? 'approved' : 'cancelled')
    expect((await agentOS.runs.get(run.runId)).status).toMatch(/cancelled|completed/)
    expect(called.length - before).toBeLessThanOrEqual(status === 'approved' ? 1 : 0)
    ends[status === 'approved' ? 'approved' : 'cancelled'] += 1
  }
  console.log(`50 approvals resolved while their run was cancelled: ${JSON.stringify(ends)}`)
})

/** Does something so many milliseconds from now. */
async function later<Result>(milliseconds: number, work: () => Promise<Result>): Promise<Result> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  return work()
}
