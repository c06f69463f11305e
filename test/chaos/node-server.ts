/** One of several processes on one PostgreSQL database, as the recipe in the docs starts them. */
import { serve } from '../../examples/several-machines/serve.ts'
import { chaosAgent } from './agent.ts'

const { CHAOS_DB, CHAOS_PORT, CHAOS_OUTSIDE } = process.env as Record<string, string>

await serve(CHAOS_DB!, Number(CHAOS_PORT), {
  agents: [chaosAgent(CHAOS_OUTSIDE!)],
  runs: { leaseMs: 1_500, sweepMs: 200, pollMs: 200, maxAttempts: 1000, maxExecuting: 20, stopDeadlineMs: 200 },
})
// The first request takes the lease and looks for runs of processes that have died.
await fetch(`http://127.0.0.1:${CHAOS_PORT}/health`)
process.send?.('ready')
