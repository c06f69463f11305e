import { expect, it } from 'vitest'
import { killTrials, summary } from '../chaos/kills.ts'

// The server that is killed runs the build, as `npm test` makes it before.
it('loses no run, no event and no decision when the process is killed, and repeats no tool that may not', async () => {
  const trials = await killTrials(2, 20_261_124)
  console.log(`${trials.length} kills: ${JSON.stringify(summary(trials))}`)
  expect(trials.filter(({ faults }) => faults.length > 0)).toEqual([])
}, 180_000)
