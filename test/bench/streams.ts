import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { BenchServer } from './child.ts'

export interface StreamsResult {
  /** 99th percentile of milliseconds between an event's making and its arrival. */
  p99: number
  events: number
  /** Growth of the server's heap from before the streams to the middle of them, in bytes. */
  heapGrowth: number
}

/** Reads 500 streams at once; with `stalled`, one more client asks for a fast stream and reads nothing of it. */
export async function readStreams(server: BenchServer, stalled: boolean): Promise<StreamsResult> {
  const before = await server.ask<number>('heap')
  const stuck = stalled ? await open(server.url, 'flood') : undefined
  stuck?.pause()
  const delays: number[] = []
  const readers = Array.from({ length: 500 }, async () => {
    const response = await open(server.url, 'clock')
    response.setEncoding('utf8')
    let text = ''
    response.on('data', (chunk: string) => {
      const now = Date.now()
      text += chunk
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        for (const [, at] of text.slice(0, end).matchAll(/"content":"(\d+);"/g)) delays.push(now - Number(at))
        text = text.slice(end + 2)
      }
    })
    await once(response, 'end')
  })
  await new Promise((resolve) => setTimeout(resolve, 6000))
  const middle = await server.ask<number>('heap')
  await Promise.all(readers)
  stuck?.destroy()
  delays.sort((a, b) => a - b)
  return { p99: delays[Math.floor(delays.length * 0.99)]!, events: delays.length, heapGrowth: middle - before }
}

async function open(url: string, agent: string): Promise<IncomingMessage> {
  const asked = request(`${url}/agents/${agent}/runs`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  asked.end(JSON.stringify({ message: 'Hi', stream: true }))
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response
}
