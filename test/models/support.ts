import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { Model, ModelRequest, ModelResponse, ModelStreamPart } from '../../src/models/index.js'
import { ModelError } from '../../src/models/index.js'

/** A request with one user message, or with the given fields. */
export function ask(text: string, fields: Partial<ModelRequest> = {}): ModelRequest {
  return { messages: [{ role: 'user', content: text }], signal: new AbortController().signal, ...fields }
}

export interface Streamed {
  deltas: string[]
  reasoning: string[]
  response: ModelResponse
}

/** Reads a stream to its end; it must end with `finish`, and its deltas must add up to the content. */
export async function readStream(stream: AsyncIterable<ModelStreamPart>): Promise<Streamed> {
  const parts: ModelStreamPart[] = []
  for await (const part of stream) parts.push(part)
  const last = parts.at(-1)
  if (last?.type !== 'finish') throw new Error(`The stream ended with ${last?.type ?? 'nothing'}.`)
  const deltas = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const reasoning = parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : []))
  expect(parts.filter((part) => part.type === 'finish')).toHaveLength(1)
  expect(deltas.join('')).toBe(last.response.content)
  return { deltas, reasoning, response: last.response }
}

/** The {@link ModelError} that the action must end with. */
export async function modelErrorOf(action: Promise<unknown>): Promise<ModelError> {
  const error = await action.then(
    () => new Error('It succeeded.'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ModelError)
  return error as ModelError
}

/** Both ways to ask a model, for what must hold of each. */
export const ways = [
  ['generate', (model: Model, request: ModelRequest) => model.generate(request)],
  ['stream', (model: Model, request: ModelRequest) => readStream(model.stream(request)).then((read) => read.response)],
] as const

export interface RawServer extends AsyncDisposable {
  url: string
  /** The JSON bodies received, oldest first. */
  bodies: Record<string, unknown>[]
  headers: IncomingMessage['headers'][]
}

/** A real HTTP server for what the mock server can't say. */
export async function rawServer(
  answer: (response: ServerResponse, body: Record<string, unknown>) => void,
): Promise<RawServer> {
  const bodies: Record<string, unknown>[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
      bodies.push(body)
      headers.push(incoming.headers)
      answer(response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bodies,
    headers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Sends server-sent events; an event's `type`, where there is one, is its name, as in the Responses API. */
export function sendEvents(
  response: ServerResponse,
  events: readonly object[],
  end: 'done' | 'end' | 'open' = 'done',
): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) {
    const name = 'type' in event ? `event: ${String(event.type)}\n` : ''
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`)
  }
  if (end === 'done') response.end('data: [DONE]\n\n')
  if (end === 'end') response.end()
}
