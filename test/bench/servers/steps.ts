/** One run of a thousand model steps, each with a tool call. */
import { join } from 'node:path'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { answer, directory, listen } from './serve.ts'

const STEPS = 1000
const WARM_UP = 5
const RUNS = 9
const storage = sqlite(join(directory, 'steps.db'))
const starts: number[] = []
let step = 0
let hold: Promise<void> | undefined
const agentOS = new AgentOS({
  storage,
  agents: [
    new Agent({
      id: 'long',
      stepLimit: STEPS + 2,
      tools: [tool({ name: 'look_up', execute: () => `Row ${step}: ${'x'.repeat(300)}` })],
      model: scripted(() => {
        starts.push(performance.now())
        step += 1
        if (step < STEPS) return { content: `Now to row ${step}.`, toolCalls: [{ name: 'look_up' }] }
        return hold ? { content: 'Done.', stall: { until: hold } } : 'Done.'
      }),
    }),
  ],
})

async function run(): Promise<void> {
  starts.length = 0
  step = 0
  await agentOS.runs.create({ agentId: 'long', message: 'Go.' })
}

answer({
  /** Milliseconds of each step, run by run. */
  async longRuns() {
    for (let round = 0; round < WARM_UP; round++) await run()
    const runs: number[][] = []
    for (let round = 0; round < RUNS; round++) {
      await run()
      runs.push(starts.slice(1).map((start, index) => start - starts[index]!))
    }
    return runs
  },
  /** Milliseconds to read the record before the last step, and to fold it from the beginning. */
  async readBack() {
    starts.length = 0
    step = 0
    let open = (): void => undefined
    hold = new Promise<void>((resolve) => (open = resolve))
    const { runId } = await agentOS.runs.start({ agentId: 'long', message: 'Go.' })
    while ((await agentOS.runs.get(runId)).tools?.length !== STEPS - 1) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const timed = async (): Promise<number> => {
      const times: number[] = []
      for (let round = 0; round < 20; round++) {
        const before = performance.now()
        await agentOS.runs.get(runId)
        times.push(performance.now() - before)
      }
      return times.toSorted((a, b) => a - b)[10]!
    }
    const read = await timed()
    const { snapshots } = storage.runs
    storage.runs.snapshots = () => Promise.resolve([])
    const fold = await timed()
    storage.runs.snapshots = snapshots
    open()
    return { read, fold }
  },
})
await listen(createNodeHandler(agentOS))
