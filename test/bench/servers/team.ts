/** A team whose leader delegates once or many times, against its member called directly. */
import { join } from 'node:path'
import { Agent, AgentOS, Team } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { answer, directory, listen } from './serve.ts'

const ROUNDS = 300
const DELEGATIONS = 1000
const member = new Agent({ id: 'member', model: scripted('Done by the member.') })
const call = (task: string) => ({
  toolCalls: [{ name: 'delegate_task_to_member', arguments: { member_id: 'member', task } }],
})
const starts: number[] = []
const desk = new Team({
  id: 'desk',
  mode: 'route',
  members: [member],
  model: scripted(() => call('Do it.')),
})
const long = new Team({
  id: 'long',
  members: [member],
  stepLimit: DELEGATIONS + 2,
  model: scripted(() => {
    starts.push(performance.now())
    return starts.length <= DELEGATIONS ? call(`Task ${starts.length}.`) : 'Done.'
  }),
})
const agentOS = new AgentOS({
  storage: sqlite(join(directory, 'team.db')),
  agents: [member],
  teams: [desk, long],
})

async function milliseconds(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now()
    await run()
    times.push(performance.now() - before)
  }
  return times.slice(50).toSorted((a, b) => a - b)[(ROUNDS - 50) / 2]!
}

answer({
  /** Milliseconds of a run by itself, and of one in which a leader hands over to the same agent. */
  async delegation() {
    const direct = await milliseconds(() => agentOS.runs.create({ agentId: 'member', message: 'Do it.' }))
    const delegated = await milliseconds(() => agentOS.runs.create({ teamId: 'desk', message: 'Do it.' }))
    return { direct, delegated }
  },
  /** Milliseconds of each of a thousand delegations in one run. */
  async manyDelegations() {
    for (let round = 0; round < 3; round++) {
      starts.length = 0
      await agentOS.runs.create({ teamId: 'long', message: 'Go.' })
    }
    return starts.slice(1).map((start, index) => start - starts[index]!)
  },
})
await listen(createNodeHandler(agentOS))
