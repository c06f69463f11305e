import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { postgres } from 'agentos-sdk/storage'
import type { Storage } from 'agentos-sdk'
import { createDatabase, type TestDatabase } from '../support/postgres-database.js'
import { until } from '../support/agent-os.js'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** Two handles that share nothing, both listening. */
async function twoNodes(): Promise<[Storage, Storage]> {
  const nodes = ['bus_one', 'bus_two'].map((name) => postgres({ url: database.url(name), poolSize: 2 }))
  for (const node of nodes) {
    onTestFinished(() => node.close())
    await node.check()
  }
  await until(async () => (await listeners()).length === 2)
  return nodes as [Storage, Storage]
}

function listeners(): Promise<{ pid: number; application_name: string }[]> {
  return database.sql(
    `SELECT pid, application_name FROM pg_stat_activity
      WHERE application_name LIKE 'bus_%' AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')`,
  )
}

describe('the bus of two processes', () => {
  it('carries commits, cancel marks and turns, each to the other and once to itself', async () => {
    const [one, other] = await twoNodes()
    const heard: string[] = []
    for (const [name, { events }] of [
      ['one', one],
      ['other', other],
    ] as const) {
      events.onCommitted('run_1', (index, payload) => heard.push(`${name} committed ${index} ${String(payload)}`))
      events.onCancelRequested('run_1', () => heard.push(`${name} cancel`))
      events.onTurnCame('run_1', () => heard.push(`${name} turn`))
      events.onAnyTurn((runId) => runId === 'run_1' && heard.push(`${name} any turn`))
    }
    one.events.committed('run_1', 7, 'here')
    one.events.cancelRequested('run_1')
    one.events.turnCame('run_1')
    await until(() => heard.includes('other any turn'))
    expect(heard.filter((message) => message.startsWith('one'))).toEqual([
      'one committed 7 here',
      'one cancel',
      'one turn',
      'one any turn',
    ])
    expect(heard.filter((message) => message.startsWith('other'))).toEqual([
      'other committed 7 undefined',
      'other cancel',
      'other turn',
      'other any turn',
    ])
  })

  it('carries any number of runs at once, in messages of the size that PostgreSQL takes', async () => {
    const [one, other] = await twoNodes()
    const ids = Array.from({ length: 2000 }, (_, at) => `run_${'ü'.repeat(at % 50)}_${at}`)
    const missing = new Set(ids)
    for (const id of ids) other.events.onCommitted(id, () => missing.delete(id))
    one.events.committed('x'.repeat(9000), 0)
    for (const id of ids) one.events.committed(id, 0)
    await until(() => missing.size === 0)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('wakes everybody who waits once it is back after a drop, so that nothing is missed', async () => {
    const [one, other] = await twoNodes()
    let wakes = 0
    let cancels = 0
    other.events.onCommitted('run_1', () => wakes++)
    other.events.onTurnCame('run_1', () => wakes++)
    other.events.onAnyTurn(() => wakes++)
    other.events.onCancelRequested('run_1', () => cancels++)
    const before = (await listeners()).filter(({ application_name }) => application_name === 'bus_two')
    expect(before).toHaveLength(1)
    await database.sql('SELECT pg_terminate_backend($1)', [before[0]!.pid])
    await until(() => wakes === 3)
    expect(cancels).toBe(0)
    // And it hears again.
    one.events.committed('run_1', 1)
    await until(() => wakes === 4)
  })

  it('survives that the sender loses its connection', async () => {
    const [one, other] = await twoNodes()
    let heard = 0
    other.events.onCommitted('run_1', () => heard++)
    for (const { pid } of await listeners()) await database.sql('SELECT pg_terminate_backend($1)', [pid])
    // Lost, or not: nobody is told of a failure, and what comes later is heard.
    one.events.committed('run_1', 1)
    await until(async () => (await listeners()).length === 2)
    await until(() => {
      one.events.committed('run_1', 2)
      return heard > 1
    })
    expect((await listeners()).length).toBe(2)
  })
})
