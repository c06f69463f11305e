import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExampleServer } from '../support/example-server.ts'

/** What an attack has come to, for people. */
export type Report = Record<string, string | number | undefined>

const RUNS = '/agents/my-agent/runs'
const HEALTH_MS = 5_000
/** Of the limit of a JSON body, 10 MiB, with room for what the collector has not taken yet. */
const MAX_GROWTH_MIB = 80

/** @throws when the server does not answer as if nothing were. */
export async function expectHealth(server: ExampleServer): Promise<void> {
  const answer = await fetch(`${server.url}/health`, { signal: AbortSignal.timeout(HEALTH_MS) })
  const body = (await answer.json()) as { status?: string }
  if (answer.status !== 200 || body.status !== 'ok') throw new Error(`/health says ${answer.status}.`)
}

/** Connections that say nothing at all. */
export async function idleSockets(server: ExampleServer, count: number): Promise<Report> {
  const sockets = await openSockets(server, count)
  try {
    await expectHealth(server)
    const open = sockets.filter((socket) => !socket.destroyed).length
    return { sockets: count, open, memoryMiB: await server.memory() }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/**
 * Requests whose headers never end: a line now and then keeps each of them alive.
 *
 * @param forMs how long; past the time limit of the server's headers, all of them must have been cut.
 */
export async function slowHeaders(server: ExampleServer, count: number, forMs: number): Promise<Report> {
  const sockets = await openSockets(server, count)
  try {
    for (const socket of sockets) socket.write(`POST ${RUNS} HTTP/1.1\r\nHost: a\r\n`)
    const until = Date.now() + forMs
    let rounds = 0
    while (Date.now() < until) {
      await sleep(Math.min(500, forMs))
      for (const socket of sockets) if (!socket.destroyed) socket.write(`X-${rounds}: a\r\n`)
      rounds++
      await expectHealth(server)
    }
    return { sockets: count, rounds, cut: sockets.filter((socket) => socket.destroyed).length }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** Bodies that come a byte at a time. */
export async function slowBodies(server: ExampleServer, count: number): Promise<Report> {
  const sockets = await openSockets(server, count)
  try {
    const head = `POST ${RUNS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n`
    for (const socket of sockets) socket.write(`${head}{"message":"`)
    for (let round = 0; round < 3; round++) {
      for (const socket of sockets) socket.write('a')
      await expectHealth(server)
    }
    return { sockets: count }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** A body far over the limit, with and without saying so first. */
export async function largeBody(server: ExampleServer, mebibytes: number): Promise<Report> {
  const before = await server.memory()
  const chunk = Buffer.alloc(1024 * 1024, 'a')
  const announced = await send(server, 'application/json', repeated(chunk, mebibytes), mebibytes * chunk.byteLength)
  const streamed = await send(server, 'application/json', repeated(chunk, mebibytes))
  await expectHealth(server)
  const after = await server.memory()
  if (announced.status !== 413 || streamed.status !== 413) {
    throw new Error(`A body of ${mebibytes} MiB was answered with ${announced.status} and ${streamed.status}.`)
  }
  const grownMiB = before === undefined || after === undefined ? undefined : after - before
  if (grownMiB !== undefined && grownMiB > MAX_GROWTH_MIB) throw new Error(`The server has grown by ${grownMiB} MiB.`)
  return { mebibytes, announced: announced.status, streamed: streamed.status, sentMiB: streamed.sentMiB, grownMiB }
}

/** A form of very many parts: as many as are taken, and far more. */
export async function manyParts(server: ExampleServer, few: number, many: number): Promise<Report> {
  const type = 'multipart/form-data; boundary=x'
  const part = (name: string) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nHello\r\n`
  const form = (parts: number) => {
    const rest = Array.from({ length: parts - 1 }, (_, at) => part(`f${at}`)).join('')
    return [Buffer.from(`${part('message')}${rest}--x--\r\n`)]
  }
  const taken = await send(server, type, form(few))
  const refused = await send(server, type, form(many))
  await expectHealth(server)
  if (taken.status !== 200 || refused.status !== 413) {
    throw new Error(`${few} parts were answered with ${taken.status}, ${many} with ${refused.status}.`)
  }
  return { few, taken: taken.status, many, refused: refused.status }
}

/** More headers than anybody needs, a URL that is far too long, and JSON that is nested without end. */
export async function oversized(server: ExampleServer): Promise<Report> {
  const headers = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`x-${at}`, 'a']))
  const answers = {
    headers: (await send(server, 'application/json', [], undefined, headers)).status,
    url: (await fetch(`${server.url}/agents?cursor=${'a'.repeat(100_000)}`)).status,
    depth: (await send(server, 'application/json', [Buffer.from('['.repeat(5_000_000))])).status,
  }
  await expectHealth(server)
  const odd = Object.entries(answers).find(([, status]) => status < 400 || status >= 500)
  if (odd) throw new Error(`What is oversized in its ${odd[0]} was answered with ${odd[1]}.`)
  return answers
}

async function openSockets({ port }: ExampleServer, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  // Some at a time: the system's queue of new connections is short.
  while (sockets.length < count) {
    const more = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      const socket = connect(port, '127.0.0.1')
      // That the server hangs up is what it is about.
      socket.on('error', () => undefined)
      socket.resume()
      return socket
    })
    await Promise.all(more.map((socket) => once(socket, 'connect')))
    sockets.push(...more)
  }
  return sockets
}

function* repeated(chunk: Buffer, times: number): Generator<Buffer> {
  for (let at = 0; at < times; at++) yield chunk
}

interface Answer {
  status: number
  sentMiB: number
}

/** Sends a body as far as the server takes it. */
async function send(
  { url }: ExampleServer,
  type: string,
  body: Iterable<Buffer>,
  length?: number,
  more: Record<string, string> = {},
): Promise<Answer> {
  const headers = { 'content-type': type, connection: 'close', ...more }
  const outgoing = request(`${url}${RUNS}`, {
    method: 'POST',
    headers: { ...headers, ...(length !== undefined && { 'content-length': length }) },
    signal: AbortSignal.timeout(60_000),
  })
  // Each wait below adds one, and all of them go with the request.
  outgoing.setMaxListeners(0)
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      // The answer may be cut off with the connection: its status is there already.
      text(response).catch(() => undefined)
      resolve(response.statusCode ?? 0)
    })
  })
  answered.catch(() => undefined)
  let status: number | undefined
  const note = answered.then((found) => (status = found))
  note.catch(() => undefined)
  let sent = 0
  for (const chunk of body) {
    if (status !== undefined || outgoing.destroyed) break
    sent += chunk.byteLength
    if (!outgoing.write(chunk)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close'), note])
  }
  outgoing.end()
  status = await answered
  outgoing.destroy()
  return { status, sentMiB: Math.round(sent / 1024 / 1024) }
}
