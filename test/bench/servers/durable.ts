/** Runs that outlive their process: the first server leaves them unfinished, the second one goes on with them. */
import { join } from 'node:path'
import { Agent, AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { answer, directory, listen } from './serve.ts'

const hangs = process.argv[3] === 'hang'
const agentOS = new AgentOS({
  storage: sqlite(join(directory, 'durable.db')),
  agents: [new Agent({ id: 'slow', model: scripted(hangs ? { content: 'Done.', stall: true } : 'Done.') })],
  runs: { maxExecuting: hangs ? 2000 : 100, leaseMs: 1000, sweepMs: 50 },
})
const count = 1000

async function countOf(...statuses: ('running' | 'completed')[]): Promise<number> {
  return (await agentOS.runs.list({ statuses, limit: 1 })).totalCount
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

answer({
  async leaveUnfinished() {
    await Promise.all(Array.from({ length: count }, () => agentOS.runs.start({ agentId: 'slow', message: 'Hi' })))
    await until(async () => (await countOf('running')) === count)
    return count
  },
  /** Milliseconds from the first look at the database until the last of them is completed. */
  async recover() {
    // The lease of the process before has to lapse first; that wait is not ours to measure.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const before = performance.now()
    agentOS.runs.head('none').catch(() => undefined)
    await until(async () => (await countOf('completed')) === count)
    return performance.now() - before
  },
  /** Milliseconds per run, ten at a time: answered when it has ended, against started in the background and polled by its stream. */
  async durability() {
    const perRun = async (runOne: () => Promise<unknown>): Promise<number> => {
      const before = performance.now()
      for (let done = 0; done < 1000; done += 10) await Promise.all(Array.from({ length: 10 }, runOne))
      return (performance.now() - before) / 1000
    }
    const plain = () => agentOS.runs.create({ agentId: 'slow', message: 'Hi' })
    const background = async () => {
      const stream = agentOS.runs.streamInBackground({ agentId: 'slow', message: 'Hi' })
      for await (const _batch of stream.batches());
    }
    await perRun(plain)
    await perRun(background)
    return { plain: await perRun(plain), background: await perRun(background) }
  },
})
await listen(createNodeHandler(agentOS))
