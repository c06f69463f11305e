import { expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, Workflow, approval, branch, loop, map, parallel, router, sequence, sleep, step, stop, waitForEvent, humanInput, sqlite, AgentOS } from '/work/wt/teams/src/index.js'
import { scripted } from '/work/wt/teams/src/models/scripted.js'

const writer = new Agent({ id: 'writer', model: scripted(['A draft.','A draft.','A draft.']) as never })

it('runs', async () => {
  const double = step({ name: 'double', run: (n: number) => n * 2 })
  const inc = step({ name: 'inc', run: (n: number) => n + 1 })
  const wf = new Workflow({
    id: 'w',
    input: z.number(),
    steps: sequence('main', double, parallel('both', { a: inc, b: double }),
      step({ name: 'sum', run: ({ a, b }: { a: number; b: number }) => a + b }),
      branch({ name: 'big', if: (n: number) => n > 3, then: step({ name: 'neg', run: (n: number) => -n }) }),
      loop({ name: 'up', step: inc, until: (n: number) => n >= 0, maxIterations: 20 }),
      step({ name: 'list', run: (n: number) => [n, n + 1, n + 2] }),
      map({ name: 'each', step: double, concurrency: 2 }),
    ),
  })
  const events = []
  const stream = wf.stream(2)
  for await (const e of stream) events.push(e.event + ' ' + ((e as any).stepId ?? '') )
  console.log(events.join('\n'))
  const run = await stream.result
  console.log(JSON.stringify(run, null, 1).slice(0, 1500))
  expect(run.status).toBe('completed')
  expect(run.content).toEqual([0, 2, 4])
})
it('serves', async () => {
  const wf = new Workflow({
    id: 'w',
    steps: sequence('main',
      step({ name: 'draft', agent: writer, prompt: (t: string) => `Write about ${t}` }),
      approval<string>({ name: 'ok', message: 'Fine?' }),
      step({ name: 'publish', run: (t: string) => `published: ${t}` })),
  })
  const os = new AgentOS({ workflows: [wf], storage: sqlite(':memory:') })
  const run = await os.runs.create({ workflowId: 'w', message: 'cats' })
  console.log(JSON.stringify(run, null, 1))
  expect(run.status).toBe('paused')
  const on = await os.runs.continue(run.runId, { requirements: [] }).catch((e) => e.code)
  console.log(on)
  await os.stop()
})
