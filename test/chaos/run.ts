/** `npm run test:chaos`: kills the server 34 times in each of six phases. `-- 5 123` sets the number and the seed. */
import { killTrials, summary } from './kills.ts'

const [perPhase = '34', seed = String(Date.now() % 1e6)] = process.argv.slice(2)
console.log(`Killing ${perPhase} times in each phase; seed ${seed}.`)
const trials = await killTrials(Number(perPhase), Number(seed))
console.table(summary(trials))
const failed = trials.filter(({ faults }) => faults.length > 0)
for (const { phase, faults } of failed) console.log(`${phase}: ${faults.join('; ')}`)
console.log(`${trials.length - failed.length} passed, ${failed.length} failed`)
if (failed.length > 0) process.exitCode = 1
