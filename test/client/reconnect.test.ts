import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import type { RunEvent } from 'agentos-sdk/client'
import { createNodeHandler } from 'agentos-sdk/node'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import { collect, gate, names, shownText, testAgentOS } from '../support/agent-os.js'
import { clientOf, cuttingProxy, serve, served } from './support.js'

const TRIALS = 200

const text = Array.from({ length: 30 }, (_, at) => `Wort ${at} für dich 🌍. `).join('')
const lookup = tool({
  name: 'lookup',
  input: z.object({ order: z.number() }),
  execute: ({ order }) => `Order ${order} is on its way.`,
})

function agent(delayMs = 0): Agent {
  const replies = [{ toolCalls: [{ name: 'lookup', arguments: { order: 7 } }] }, text]
  return new Agent({ id: 'my-agent', model: scripted(replies, { chunkSize: 5, delayMs }), tools: [lookup] })
}

function expectComplete(events: readonly RunEvent[]): void {
  expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at))
  expect(names(events)[0]).toBe('RunStarted')
  expect(names(events).at(-1)).toBe('RunCompleted')
  expect(names(events).filter((name) => /^Run(Completed|Started)$/.test(name))).toHaveLength(2)
  expect(shownText(events)).toBe(text)
}

describe('a stream whose connection is cut', () => {
  it(`shows every event once and in order, wherever it is cut (${TRIALS} runs)`, { timeout: 60_000 }, async () => {
    const agentOS = testAgentOS(undefined, { agents: [agent()] })
    const { host } = await served(agentOS)
    const proxy = await cuttingProxy(host.port, () => 1 + Math.floor(Math.random() ** 3 * 60_000))
    const client = clientOf(proxy.url)
    let events = 0
    const trial = async (): Promise<void> => {
      const stream = client.runs.stream({ agentId: 'my-agent', message: 'Hello' })
      const shown = await collect(stream)
      expectComplete(shown)
      events += shown.length
      const { runId } = await stream.accepted
      const run = await client.runs.get(runId, { agentId: 'my-agent' })
      expect(run.content).toBe(text)
    }
    for (let done = 0; done < TRIALS; done += 10) await Promise.all(Array.from({ length: 10 }, trial))
    const { totalCount } = await agentOS.runs.list({ limit: 1 })
    expect(totalCount).toBe(TRIALS)
    expect(proxy.cuts).toBeGreaterThan(TRIALS)
    console.log(`${TRIALS} runs, ${events} events, ${proxy.connections} connections, ${proxy.cuts} of them cut`)
  })

  it('is whole again after a cut at every 23rd byte', { timeout: 60_000 }, async () => {
    const agentOS = testAgentOS(scripted('Hi!'))
    const { host } = await served(agentOS)
    let cutAt: number | undefined
    const proxy = await cuttingProxy(host.port, () => {
      const now = cutAt
      cutAt = undefined
      return now
    })
    // Each try is a connection of its own.
    const client = clientOf(proxy.url, { headers: { connection: 'close' } })
    const length =
      JSON.stringify(await collect(client.runs.stream({ agentId: 'my-agent', message: 'Hello' }))).length * 2
    const whole = await collect(client.runs.stream({ agentId: 'my-agent', message: 'Hello' }))
    let cuts = 0
    for (let at = 1; at < length; at += 23) {
      cutAt = at
      const events = await collect(client.runs.stream({ agentId: 'my-agent', message: 'Hello' }))
      expect(names(events), `cut after ${at} bytes`).toEqual(names(whole))
      cuts += 1
    }
    console.log(`${cuts} streams, ${proxy.cuts} cut`)
  })

  it('shows the same as a whole one when only what was said is wanted', async () => {
    const { host } = await served(testAgentOS(undefined, { agents: [agent()] }))
    const request = { agentId: 'my-agent', message: 'Hello', streamEvents: false }
    const whole = await collect(clientOf(host.url).runs.stream(request))
    const proxy = await cuttingProxy(host.port, () => 4_000)
    const pieces = await collect(clientOf(proxy.url).runs.stream(request))
    expect(proxy.cuts).toBeGreaterThan(0)
    expect(pieces.map(({ eventIndex, event }) => [eventIndex, event])).toEqual(
      whole.map(({ eventIndex, event }) => [eventIndex, event]),
    )
  })

  it('follows a run from any point', async () => {
    const agentOS = testAgentOS(undefined, { agents: [agent()] })
    const { host, client } = await served(agentOS)
    const stream = client.runs.stream({ agentId: 'my-agent', message: 'Hello' })
    const all = await collect(stream)
    const { runId } = await stream.accepted
    const proxy = await cuttingProxy(host.port, () => 3_000)
    const cut = clientOf(proxy.url)
    for (const after of [-1, 0, 5, all.length - 2, all.length - 1]) {
      const rest = await collect(cut.runs.resume(runId, { agentId: 'my-agent', after }))
      expect(rest).toEqual(all.slice(after + 1))
    }
  })
})

describe('a server that is restarted', () => {
  it('is found again on its port, and the stream goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agentos-client-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const start = (): AgentOS =>
      new AgentOS({ agents: [agent(3)], storage: sqlite(join(folder, 'agentos.db')), logger: silentLogger })
    const first = start()
    const before = await serve(createNodeHandler(first, { basePath: '/os' }))
    const client = clientOf(before.url)
    const stream = client.runs.streamInBackground({ agentId: 'my-agent', message: 'Hello' })
    const events: RunEvent[] = []
    let restarted: Promise<AgentOS> | undefined
    const restart = async (): Promise<AgentOS> => {
      await before.close()
      // It finishes what it is at, while the next one serves already.
      const stopped = first.stop()
      const second = start()
      await serve(createNodeHandler(second, { basePath: '/os' }), before.port)
      await stopped
      return second
    }
    for await (const event of stream) {
      events.push(event)
      if (event.eventIndex === 10) restarted = restart()
    }
    const second = (await restarted)!
    expectComplete(events)
    expect((await second.runs.list({ limit: 1 })).totalCount).toBe(1)
    await second.stop()
  })

  it('is waited for as long as the bound says', async () => {
    const { opened, open } = gate()
    onTestFinished(open)
    const model = scripted(async () => {
      await opened
      return 'Too late'
    })
    const { host, client } = await served(testAgentOS(model), {
      reconnect: { retries: 3, baseDelayMs: 1, maxDelayMs: 1 },
    })
    const stream = client.runs.streamInBackground({ agentId: 'my-agent', message: 'Hello' })
    await stream.accepted
    await host.close()
    await expect(collect(stream)).rejects.toMatchObject({
      name: 'AgentOSClientError',
      code: 'CONNECTION_FAILED',
      status: 0,
    })
    open()
  })
})

describe('a connection that is silent', () => {
  it('is given up for a new one', async () => {
    const { opened, open } = gate()
    const model = scripted(async () => {
      await opened
      return 'At last'
    })
    const { client } = await served(testAgentOS(model), { silenceMs: 40 })
    const stream = client.runs.streamInBackground({ agentId: 'my-agent', message: 'Hello' })
    setTimeout(open, 200)
    const events = await collect(stream)
    expect(shownText(events)).toBe('At last')
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at))
  })

  it('is not taken for dead while the reader itself is slow', async () => {
    let requests = 0
    const { client } = await served(testAgentOS(scripted('Hello!', { chunkSize: 1 })), {
      silenceMs: 400,
      fetch: (url, init) => {
        requests += 1
        return fetch(url, init)
      },
    })
    let count = 0
    for await (const event of client.runs.stream({ agentId: 'my-agent', message: 'Hello' })) {
      if (event.eventIndex === 1) await new Promise((resolve) => setTimeout(resolve, 900))
      count += 1
    }
    expect(count).toBeGreaterThan(8)
    expect(requests).toBe(1)
  })
})
