/**
 * `npm run test:chaos`: kills a server on SQLite 34 times in each of six phases of an agent's runs, and goes through 40
 * trials of a workflow and a team. `-- agents 5 123` and `-- flows 5 123` make one of the two, and set the number and the
 * seed; `CHAOS_STORAGE=postgres` has the latter on a PostgreSQL. `-- nodes`: 500 runs on three processes on one
 * PostgreSQL; `-- nodes 50 123` likewise.
 */
import { startPostgres } from '../support/embedded-postgres.ts'
import { flowSummary, flowTrials } from './flow-kills.ts'
import { killTrials, summary } from './kills.ts'
import { nodesTrial } from './nodes.ts'

async function agents([perPhase = '34', seed = randomSeed()]: string[]): Promise<string[]> {
  console.log(`Killing ${perPhase} times in each phase; seed ${seed}.`)
  const trials = await killTrials(Number(perPhase), Number(seed))
  console.table(summary(trials))
  const failed = trials.filter(({ faults }) => faults.length > 0)
  console.log(`${trials.length - failed.length} passed, ${failed.length} failed`)
  return failed.map(({ phase, faults }) => `${phase}: ${faults.join('; ')}`)
}

async function flows([trials = '40', seed = randomSeed()]: string[]): Promise<string[]> {
  const server = process.env.CHAOS_STORAGE === 'postgres' ? await startPostgres() : undefined
  try {
    console.log(`${trials} trials of a workflow and a team on ${server ? 'PostgreSQL' : 'SQLite'}; seed ${seed}.`)
    const done = await flowTrials(Number(trials), Number(seed), server?.url)
    console.table(flowSummary(done))
    return done.flatMap(({ seed: own, kills, faults }, at) =>
      faults.map((fault) => `trial ${at}, seed ${own}, killed ${kills.join(', ')}: ${fault}`),
    )
  } finally {
    await server?.stop()
  }
}

async function nodes([runs = '500', seed = randomSeed()]: string[]): Promise<string[]> {
  console.log(`${runs} runs of 12 clients on three processes; seed ${seed}.`)
  const trial = await nodesTrial({ runs: Number(runs), clients: 12, seed: Number(seed), faultEveryMs: 1_500 })
  console.table(trial.counts)
  console.log(`${trial.runs} runs, ${trial.faults.length} faults`)
  return trial.faults
}

function randomSeed(): string {
  return String(Date.now() % 1e6)
}

const kinds: Record<string, (options: string[]) => Promise<string[]>> = { agents, flows, nodes }
const [first = '', ...rest] = process.argv.slice(2)
const chosen = kinds[first]
const faults = chosen ? await chosen(rest) : [...(await agents([])), ...(await flows([]))]
for (const fault of faults) console.log(fault)
if (faults.length > 0) process.exitCode = 1
