import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { Agent, AgentOS, tool } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { createNodeHandler } from 'agentos-sdk/node'
import { sqlite } from 'agentos-sdk/storage'
import { z } from 'zod'
import { answer, directory, heapUsed, listen } from './serve.ts'

const storage = sqlite(join(directory, 'bench.db'))
const add = tool({ name: 'add', input: z.object({ a: z.number(), b: z.number() }), execute: ({ a, b }) => a + b })
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const agentOS = new AgentOS({
  storage,
  ...(process.argv[3] === 'auth' && {
    auth: { authorization: true, verificationKeys: [String(publicKey.export({ type: 'spki', format: 'pem' }))] },
  }),
  agents: [
    new Agent({ id: 'plain', model: scripted('Hello!') }),
    new Agent({
      id: 'tool',
      tools: [add],
      model: scripted([{ toolCalls: [{ name: 'add', arguments: { a: 1, b: 2 } }] }, 'It is 3.']),
    }),
    new Agent({ id: 'stream', model: scripted({ content: 'x'.repeat(3200), chunkSize: 16 }) }),
  ],
})

/** Reads every log back: how many runs there are, and how many of them are complete. */
async function readBack(): Promise<{ runs: number; complete: number; events: number }> {
  const found = { runs: 0, complete: 0, events: 0 }
  let cursor: string | undefined
  do {
    const slice = await agentOS.runs.list({ limit: 1000, cursor })
    for (const run of slice.data) {
      const indexes: number[] = []
      let last = ''
      for await (const event of await agentOS.runs.resume(run.runId)) {
        indexes.push(event.eventIndex)
        last = event.event
      }
      found.runs += 1
      found.events += indexes.length
      const isDense = indexes.every((index, at) => index === at)
      // The load generator leaves in the middle of its last requests, which cancels their runs.
      const hasEnded = last === 'RunCompleted' || last === 'RunCancelled'
      if (isDense && hasEnded) found.complete += 1
    }
    cursor = slice.nextCursor
  } while (cursor !== undefined)
  return found
}

/** Milliseconds of each of these runs in one session, after warm-up runs in others. */
async function longSession(): Promise<number[]> {
  for (let run = 0; run < 200; run++) await agentOS.runs.create({ agentId: 'plain', message: 'Hi' })
  const times: number[] = []
  for (let run = 0; run < 1000; run++) {
    const before = performance.now()
    await agentOS.runs.create({ agentId: 'plain', message: 'Hi', sessionId: 'long' })
    times.push(performance.now() - before)
  }
  return times
}

/** Heap in use after 2,000 runs, and after 20,000. */
async function memory(): Promise<{ early: number; late: number }> {
  const runMany = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 20) {
      await Promise.all(Array.from({ length: 20 }, () => agentOS.runs.create({ agentId: 'plain', message: 'Hi' })))
    }
  }
  await runMany(2_000)
  const early = heapUsed()
  await runMany(18_000)
  return { early, late: heapUsed() }
}

/** Tokens of that many users, each good for an hour. */
function tokens(count: number): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, (_, user) =>
      new SignJWT({ scopes: ['agents:plain:run', 'agents:read', 'sessions:read'] })
        .setProtectedHeader({ alg: 'RS256' })
        .setSubject(`user-${user}`)
        .setAudience('agentos')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    ),
  )
}

answer({
  oneToken: () => tokens(1),
  // More than are remembered, so that each is checked anew.
  manyTokens: () => tokens(1500),
  readBack,
  longSession,
  memory,
  idle: () => {
    heapUsed()
    return process.memoryUsage().rss
  },
})
await listen(createNodeHandler(agentOS))
