import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { cuttingProxy, type CuttingProxy } from '../storage/support/cutting-proxy.ts'
import { startPostgres, type EmbeddedServer } from '../support/embedded-postgres.ts'
import { Follower, isEnd } from './follower.ts'
import { decisions, judge } from './judge.ts'
import type { RunAnswer } from './judge.ts'
import { Outside } from './outside.ts'
import { generator } from './random.ts'
import { Victim } from './victim.ts'

export interface NodesTrial {
  runs: number
  /** How often each fault was injected, and what came of it. */
  counts: Record<string, number>
  faults: string[]
}

interface NodesOptions {
  runs: number
  /** Who ask at once. */
  clients: number
  seed: number
  /** Milliseconds between two faults of a kind, on average. */
  faultEveryMs: number
}

/** A process with its own way to the database. */
interface Node {
  victim: Victim
  proxy: CuttingProxy
}

const NODES = 3
const agentPath = '/agents/chaos/runs'
const headers = { 'content-type': 'application/json' }
/** Longer than the lease of the processes, so that others go on with what a frozen one has begun. */
const FROZEN_MS = 2_500
const RUN_MS = 120_000
const REQUEST_MS = 15_000

/**
 * Several clients ask three processes on one PostgreSQL for runs, while processes are killed, frozen, thawed and
 * restarted, connections to the database are cut, answers to COMMIT are lost, and the database itself is restarted in
 * the middle. Compares all that can be seen from outside with what was promised.
 */
export async function nodesTrial(options: NodesOptions): Promise<NodesTrial> {
  await using outside = await new Outside().listen()
  const postgres = await startPostgres()
  const nodes: Node[] = []
  try {
    for (let at = 0; at < NODES; at++) {
      const proxy = await cuttingProxy(postgres.url)
      const env = { CHAOS_DB: proxy.through(postgres.url), CHAOS_OUTSIDE: outside.url }
      nodes.push({ proxy, victim: await Victim.create('node-server.ts', env) })
    }
    // All at once, on an empty database.
    await Promise.all(nodes.map(({ victim }) => victim.start()))
    return await new NodesRun(options, outside, postgres, nodes).run()
  } finally {
    for (const { victim, proxy } of nodes) {
      victim.thaw()
      await victim[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    }
    await postgres.stop()
  }
}

class NodesRun {
  private readonly random: () => number
  private readonly counts: Record<string, number> = {}
  private readonly faults: string[] = []
  private isOver = false
  private begun = 0
  private readonly options: NodesOptions
  private readonly outside: Outside
  private readonly postgres: EmbeddedServer
  private readonly nodes: readonly Node[]

  constructor(options: NodesOptions, outside: Outside, postgres: EmbeddedServer, nodes: readonly Node[]) {
    this.options = options
    this.outside = outside
    this.postgres = postgres
    this.nodes = nodes
    this.random = generator(options.seed)
  }

  async run(): Promise<NodesTrial> {
    const { runs, clients } = this.options
    const harm = Promise.all([this.harmProcesses(), this.harmConnections(), this.restartDatabase()])
    const followers = await Promise.all(Array.from({ length: clients }, () => this.client()))
    this.isOver = true
    await harm
    await Promise.all(followers.flat().map((follower) => this.check(follower)))
    await this.checkDatabase()
    for (const { victim, proxy } of this.nodes) {
      this.count('answers to COMMIT lost', proxy.lost)
      this.count('runs that a process has lost to another', victim.log.split('A run is executed elsewhere').length - 1)
    }
    return { runs, counts: this.counts, faults: this.faults }
  }

  /** Kills, freezes and ends processes in turn; two are always at work. */
  private async harmProcesses(): Promise<void> {
    const kinds = ['frozen', 'killed', 'ended by SIGTERM'] as const
    for (let turn = 0; await this.pause(); turn++) {
      const { victim } = this.pick(this.nodes)
      const kind = kinds[turn % kinds.length]!
      this.count(`processes ${kind}`)
      if (kind === 'frozen') {
        victim.freeze()
        await sleep(FROZEN_MS)
        victim.thaw()
      } else {
        if (kind === 'killed') victim.kill()
        else await victim.terminate()
        await victim.start()
      }
    }
  }

  private async harmConnections(): Promise<void> {
    for (let turn = 0; await this.pause(); turn++) {
      const { proxy } = this.pick(this.nodes)
      if (turn % 2 === 0) proxy.loseAnswerTo('COMMIT', 2)
      else {
        this.count('times that all connections of a process were cut')
        proxy.cut()
      }
    }
  }

  private async restartDatabase(): Promise<void> {
    while (this.begun < this.options.runs / 2) await sleep(20)
    this.count('restarts of the database')
    await this.postgres.restart()
  }

  /** One client after another run, as long as there are any. */
  private async client(): Promise<Followed[]> {
    const followed: Followed[] = []
    while (this.begun < this.options.runs) {
      const runId = `run-${this.begun++}`
      try {
        followed.push(await this.follow(runId))
      } catch (error) {
        this.faults.push(`${runId}: ${String(error)}`)
      }
    }
    return followed
  }

  /** Asks some process for a run, in one of three ways, and follows it to its end on whichever answers. */
  private async follow(runId: string): Promise<Followed> {
    const runPath = `${agentPath}/${runId}`
    const follower = new Follower(() => this.url)
    const ways = ['streamed', 'in the background', 'waited for'] as const
    const way = this.pick(ways)
    this.count(`runs ${way}`)
    const init = (more: object) => ({
      method: 'POST',
      headers: { ...headers, 'idempotency-key': runId },
      body: JSON.stringify({ message: 'Go', run_id: runId, ...more }),
    })
    if (way === 'streamed') {
      // Until it is known to be there: the same key makes one run, however often it is sent.
      while (follower.last === undefined) await this.read(follower, agentPath, init({ stream: true, background: true }))
    } else {
      await this.untilAnswered(
        agentPath,
        init(way === 'waited for' ? { stream: false } : { stream: false, background: true }),
      )
    }
    let last = isEnd(follower.last) ? follower.last! : await follower.follow(runPath, RUN_MS)
    for (let pauses = 0; last.event === 'RunPaused' && pauses < 50; pauses++) {
      const body = JSON.stringify({ tools: decisions(last), stream: true, background: true })
      await this.read(follower, `${runPath}/continue`, { method: 'POST', headers, body })
      last = isEnd(follower.last) && follower.last !== last ? follower.last! : await follower.follow(runPath, RUN_MS)
    }
    return { runId, runPath, follower }
  }

  private async read(follower: Follower, path: string, init: RequestInit): Promise<void> {
    if (!(await follower.read(path, init))) await sleep(20)
  }

  private async untilAnswered(path: string, init: RequestInit = {}): Promise<unknown> {
    for (const deadline = Date.now() + RUN_MS; ;) {
      try {
        const response = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(REQUEST_MS) })
        const body: unknown = await response.json()
        if (response.ok) return body
        if (response.status < 500 && response.status !== 429) {
          throw new Error(`${path} answers ${response.status} ${JSON.stringify(body)}`)
        }
      } catch (error) {
        if (Date.now() > deadline || String(error).includes(' answers ')) throw error
      }
      await sleep(50)
    }
  }

  /** Every process shows the same run, and the run is what was promised. */
  private async check({ runId, runPath, follower }: Followed): Promise<void> {
    const run = (await this.untilAnswered(runPath)) as RunAnswer
    const own = this.outside.effects.filter((effect) => effect.runId === runId)
    const faults = [...follower.faults, ...judge(run, follower, own)]
    for (const { victim } of this.nodes) {
      const replay = new Follower(victim.url)
      await replay.follow(runPath)
      if (JSON.stringify(replay.seen) !== JSON.stringify(follower.seen)) faults.push('a replay shows other events')
    }
    this.count('events', follower.seen.length)
    this.count('recoveries', follower.seen.filter(({ event }) => event === 'RunRecovered').length)
    this.faults.push(...faults.map((fault) => `${runId}: ${fault}`))
  }

  /** What no client can see: runs that nobody has asked for, or that have no end. */
  private async checkDatabase(): Promise<void> {
    const client = new Client({ connectionString: this.postgres.url })
    await client.connect()
    const ask = async (text: string): Promise<number> => Number((await client.query<{ n: string }>(text)).rows[0]!.n)
    const stored = await ask('SELECT count(*) AS n FROM agentos_runs')
    if (stored !== this.options.runs) this.faults.push(`${stored} runs are stored`)
    const open = await ask(`SELECT count(*) AS n FROM agentos_runs WHERE status <> 'completed'`)
    if (open > 0) this.faults.push(`${open} runs have not completed`)
    this.count('runs taken over', await ask('SELECT count(*) AS n FROM agentos_runs WHERE attempt > 2'))
    const migrations = await ask('SELECT count(*) - count(DISTINCT name) AS n FROM agentos_migrations')
    if (migrations > 0) this.faults.push('a migration was executed twice')
    await client.end()
  }

  /** False when there is nothing to harm any more. */
  private async pause(): Promise<boolean> {
    const until = Date.now() + this.options.faultEveryMs * (0.5 + this.random())
    while (Date.now() < until && !this.isOver) await sleep(20)
    return !this.isOver
  }

  private get url(): string {
    return this.pick(this.nodes).victim.url
  }

  private pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)]!
  }

  private count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times
  }
}

/** A run, and what one client has seen of it. */
interface Followed {
  runId: string
  runPath: string
  follower: Follower
}
