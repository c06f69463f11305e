/**
 * `npm run test:chaos`: kills a server on SQLite 34 times in each of six phases; `-- 5 123` sets the number and the
 * seed. `npm run test:chaos -- nodes`: 500 runs on three processes on one PostgreSQL; `-- nodes 50 123` likewise.
 */
import { killTrials, summary } from './kills.ts'
import { nodesTrial } from './nodes.ts'

async function kills([perPhase = '34', seed = randomSeed()]: string[]): Promise<string[]> {
  console.log(`Killing ${perPhase} times in each phase; seed ${seed}.`)
  const trials = await killTrials(Number(perPhase), Number(seed))
  console.table(summary(trials))
  const failed = trials.filter(({ faults }) => faults.length > 0)
  console.log(`${trials.length - failed.length} passed, ${failed.length} failed`)
  return failed.map(({ phase, faults }) => `${phase}: ${faults.join('; ')}`)
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

const [first, ...rest] = process.argv.slice(2)
const faults = first === 'nodes' ? await nodes(rest) : await kills(process.argv.slice(2))
for (const fault of faults) console.log(fault)
if (faults.length > 0) process.exitCode = 1
