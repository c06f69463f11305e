import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { postgres, sqlite } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { createDatabase } from '../support/postgres-database.js'
import { temporaryFolder } from './temporary.js'
import { describedOperations } from './described.js'
import type { DescribedOperation } from './described.js'
import { generators } from './operations/index.js'
import { Player } from './player.js'
import type { Step } from './player.js'
import { KINDS, World } from './world.js'

/** Random operations on each storage, beside those that everybody tries; `ISOLATION_SEED` makes others of them. */
const RANDOM_OPERATIONS = Number(process.env.ISOLATION_OPERATIONS ?? 300)
const SEED = Number(process.env.ISOLATION_SEED ?? 20_260_424)
/** Makes a plain run of what waits for an approval; or, of a workflow, for an event. */
const PAYS = [0, 0, 0, 3]
const WAITS = [0, 0, 0, 1]
/** Makes a run with an idempotency key; or one with a key that somebody has sent before. */
const KEYED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]
const REPEATS = [0, 0, 0, 0, 7, 3]
/** What everybody makes first. */
const FIRST: [operation: string, numbers: number[]][] = [
  ['create_session', [0]],
  ['create_agent_run', [0]],
  ['create_agent_run', PAYS],
  ['create_agent_run', KEYED],
  ['create_agent_run', REPEATS],
  ['create_team_run', [0]],
  ['create_team_run', PAYS],
  ['create_workflow_run', WAITS],
  ['create_workflow_run', PAYS],
  ['create_service_account', [0]],
]
const isLong = RANDOM_OPERATIONS >= 1000

vi.setConfig({ testTimeout: isLong ? 1_800_000 : 120_000, hookTimeout: 120_000 })

interface Kept {
  open: () => Storage
  close: () => void | Promise<void>
}

const storages: Record<string, () => Promise<Kept>> = {
  'SQLite in a file': async () => {
    const { path, remove } = temporaryFolder()
    return { open: () => sqlite(join(path, 'isolation.db')), close: remove }
  },
  PostgreSQL: async () => {
    const database = await createDatabase()
    return { open: () => postgres(database.url('isolation')), close: async () => database[Symbol.asyncDispose]() }
  },
}

describe.each(Object.entries(storages))('isolation on %s', (name, keep) => {
  const world = new World()
  let operations: DescribedOperation[] = []
  let player: Player
  let kept: Kept
  beforeAll(async () => {
    kept = await keep()
    await world.start(kept.open)
    operations = await describedOperations(world.base())
    world.ledger.share((await world.send({ method: 'GET', path: '/openapi.json' }, world.admin)).text)
    player = new Player(world, operations)
  })
  afterAll(async () => {
    const { played, compared, listed, mismatches, counts } = player
    console.log(
      `isolation on ${name}: ${played} operations of ${operations.length} kinds, ${compared} on rows of others, ` +
        `${mismatches} in the name of others, ${listed} lists equal to the model`,
    )
    if (isLong)
      console.log(
        [...counts]
          .toSorted(([one], [other]) => one.localeCompare(other))
          .map(([line, count]) => `${String(count).padStart(5)} ${line}`)
          .join('\n'),
      )
    await world.stop()
    await kept.close()
  })

  it('is tried on every operation that is described', () => {
    expect(operations.length).toBeGreaterThan(30)
    const ids = operations.map(({ operationId }) => operationId)
    expect(
      ids.filter((id) => !(id in generators)),
      'operations without a generator',
    ).toEqual([])
    expect(
      Object.keys(generators).filter((id) => !ids.includes(id)),
      'generators without an operation',
    ).toEqual([])
  })

  it('holds for everybody, on every operation, one after the other', async () => {
    await world.people()
    const first = FIRST.flatMap(([operation, numbers]) =>
      world.actors.map((_, actor): Step => ({ operation, actor, numbers })),
    )
    for (const step of first) await player.playTogether([step])
    // Each has one that others are to be kept from.
    expect(world.ledger.approvals.size).toBeGreaterThan(3)
    // Of accounts, one is enough to try everything.
    const [, ...further] = [...world.actors.keys()].filter((at) => world.actors[at]!.kind === 'account')
    const callers = [...world.actors.keys()].filter((at) => !further.includes(at))
    for (const { operationId } of operations) {
      for (const actor of callers) {
        // The second number chooses among rows: a kind's own, and then those of others.
        await player.playTogether([{ operation: operationId, actor, numbers: [actor % 2, 1, 3, 2, 1, 0, 1] }])
      }
    }
    await player.audit()
    const runs = [...world.ledger.runs.values()]
    expect(runs.filter(({ parentId }) => parentId !== undefined).length, 'runs inside of others').toBeGreaterThan(10)
    for (const kind of ['agent', 'team', 'workflow']) {
      const waiting = runs.filter(({ isPaused, component }) => isPaused && component.kind === kind)
      expect(waiting.length, `runs of ${kind}s that wait`).toBeGreaterThan(0)
    }
    expect(
      operations.filter(({ operationId }) => !player.succeeded.has(operationId)).map(({ name }) => name),
      'operations that nobody has got anything of',
    ).toEqual([])
    for (const kind of KINDS) {
      for (const operation of operations)
        expect(player.counts.get(`${operation.name} ${kind}`), `${operation.name} by ${kind}`).toBeGreaterThan(0)
    }
  })

  it('holds for random operations of random callers, several at once', async () => {
    const step: fc.Arbitrary<Step> = fc.record({
      operation: fc.oneof(
        { arbitrary: fc.constantFrom(...operations.map(({ operationId }) => operationId)), weight: 3 },
        {
          arbitrary: fc.constantFrom(
            'create_agent_run',
            'create_team_run',
            'create_workflow_run',
            'continue_agent_run',
            'continue_team_run',
            'continue_workflow_run',
            'send_workflow_event',
            'fork_agent_session',
            'fork_team_session',
            'resolve_approval',
          ),
          weight: 1,
        },
      ),
      actor: fc.nat(15),
      numbers: fc.array(fc.nat(59), { minLength: 6, maxLength: 30, size: 'max' }),
    })
    const steps = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 60, size: 'max' })
    const enough = player.played + RANDOM_OPERATIONS
    let hasFailed = false
    const property = fc.asyncProperty(steps, async (batches) => {
      if (player.played >= enough && !hasFailed) return
      hasFailed = true
      await world.people()
      for (const batch of batches) await player.playTogether(batch)
      await player.audit()
      hasFailed = false
    })
    await fc.assert(property, { numRuns: Math.max(10, Math.ceil(RANDOM_OPERATIONS / 10)), seed: SEED })
    expect(player.played).toBeGreaterThanOrEqual(enough)
  })
})
