import { expect, it, onTestFinished } from 'vitest'
import type { Approval, Storage } from 'agentos-sdk'
import { postgres, sqlite } from 'agentos-sdk/storage'
import { temporaryPath } from '../storage/support/temporary.js'
import { until } from '../support/agent-os.js'
import { createDatabase } from '../support/postgres-database.js'
import { gated, pausedOn } from './support.js'

const TRIALS = Number(process.env.APPROVAL_TRIALS ?? 100)
const RESOLVERS = 50
type Gated = ReturnType<typeof gated>

/** Two storages on one database, as two servers have them. */
const servers: Record<string, () => Promise<[Storage, Storage]>> = {
  SQLite: () => {
    const path = temporaryPath()
    return Promise.resolve([sqlite(path), sqlite(path)])
  },
  PostgreSQL: async () => {
    const database = await createDatabase()
    onTestFinished(() => database[Symbol.asyncDispose]())
    return [postgres(database.url('one')), postgres(database.url('other'))]
  },
}

it.each(Object.entries(servers))(
  `on %s: of ${RESOLVERS} who resolve at once, one wins, and the others are told which; ${TRIALS} times`,
  async (dialect, open) => {
    const [first, second] = (await open()).map((storage) => gated({ storage })) as [Gated, Gated]
    const tally = { approved: 0, rejected: 0, told: 0, ran: 0 }
    for (let trial = 0; trial < TRIALS; trial++) {
      const { run, approval } = await pausedOn(first.agentOS, first.start())
      const before = first.called.length + second.called.length
      const all = await Promise.allSettled(
        Array.from({ length: RESOLVERS }, (_, at) => {
          const { agentOS } = at % 2 === 0 ? first : second
          const status = at % 3 === trial % 3 ? 'approved' : 'rejected'
          return agentOS.approvals.resolve(approval.id, { status, resolvedBy: `r${at}`, continueRun: at % 4 > 1 })
        }),
      )
      const won = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      expect(won).toHaveLength(1)
      const [{ status, resolvedBy }] = won as [Approval]
      for (const one of all) {
        if (one.status === 'fulfilled') continue
        expect(one.reason).toMatchObject({ code: 'APPROVAL_ALREADY_RESOLVED', status: 409 })
        expect(String(one.reason)).toContain(`was ${status} by "${resolvedBy}"`)
        tally.told += 1
      }
      expect(await first.agentOS.approvals.get(approval.id)).toMatchObject({ status, resolvedBy })
      // Whoever wants the run to go on may do so at any time; it goes on once.
      await Promise.allSettled([first, second].map(({ agentOS }) => agentOS.runs.continue(run.runId)))
      await until(async () => (await first.agentOS.runs.get(run.runId)).status === 'completed')
      const ran = first.called.length + second.called.length - before
      expect(ran).toBe(status === 'approved' ? 1 : 0)
      tally[status === 'approved' ? 'approved' : 'rejected'] += 1
      tally.ran += ran
    }
    console.log(
      `${dialect}: ${TRIALS} approvals, ${RESOLVERS} resolvers each, two servers: ${tally.approved} approved, ${tally.rejected} rejected, ` +
        `${tally.told} were told who was faster; the tool ran ${tally.ran} times`,
    )
  },
  120_000,
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
