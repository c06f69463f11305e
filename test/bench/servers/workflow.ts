/** Workflows of a thousand steps, and what a step costs beside what it runs. */
import { join } from 'node:path'
import { Agent, AgentOS, loop, map, sequence, step, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { answer, directory, listen } from './serve.ts'

const STEPS = 1000
const ROUNDS = 5
const starts: number[] = []
const work = step({
  name: 'work',
  run: (n: number) => {
    starts.push(performance.now())
    return n + 1
  },
})
const writer = new Agent({ id: 'writer', model: scripted(() => 'A text of some words.') })
const numbers = step({ name: 'numbers', run: () => Array.from({ length: STEPS }, (_, at) => at) })
const agentOS = new AgentOS({
  storage: sqlite(join(directory, 'workflow.db')),
  agents: [writer],
  workflows: [
    new Workflow({
      id: 'loop',
      steps: sequence(
        'all',
        step({ name: 'begin', run: () => 0 }),
        loop({ name: 'again', step: work, until: () => false, maxIterations: STEPS }),
      ),
    }),
    new Workflow({ id: 'map', steps: sequence('all', numbers, map({ name: 'each', step: work })) }),
    new Workflow({ id: 'one', steps: step({ name: 'draft', agent: writer }) }),
  ],
})

async function longRuns(workflowId: string): Promise<number[][]> {
  const runs: number[][] = []
  for (let round = 0; round < ROUNDS + 2; round++) {
    starts.length = 0
    const { status } = await agentOS.runs.create({ workflowId, message: 'Go.' })
    if (status !== 'completed') throw new Error(status)
    runs.push(starts.slice(1).map((start, index) => start - starts[index]!))
  }
  return runs.slice(2)
}

async function timed(create: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 400; round++) {
    const before = performance.now()
    await create()
    if (round >= 100) times.push(performance.now() - before)
  }
  return times.toSorted((a, b) => a - b)[150]!
}

answer({
  /** Milliseconds of each step, run by run. */
  loop: () => longRuns('loop'),
  map: () => longRuns('map'),
  /** Milliseconds of a run of an agent, and of a workflow whose one step is that agent. */
  async overhead() {
    const agent = await timed(() => agentOS.runs.create({ agentId: 'writer', message: 'Go.' }))
    const workflow = await timed(() => agentOS.runs.create({ workflowId: 'one', message: 'Go.' }))
    return { agent, workflow }
  },
})
await listen(createNodeHandler(agentOS))
