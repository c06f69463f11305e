import { Agent as Connections, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { FuzzRequest } from './requests.js'

/** A request that takes longer is taken for one that hangs. */
const BOUND_MS = 10_000

export interface FuzzAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Sends requests as they are, without a client's corrections, and checks what holds of every answer. */
export class FuzzClient {
  sent = 0
  accepted = 0
  readonly statuses = new Map<number, number>()
  private readonly connections = new Connections({ keepAlive: true, maxSockets: 8 })

  constructor(private readonly base: string) {}

  async send(given: FuzzRequest): Promise<FuzzAnswer> {
    const answer = await this.exchange(given)
    this.sent++
    if (answer.status < 300) this.accepted++
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1)
    expectSane(given, answer)
    return answer
  }

  async get(path: string): Promise<FuzzAnswer> {
    return this.exchange({ method: 'GET', path, headers: {} })
  }

  close(): void {
    this.connections.destroy()
  }

  private exchange({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(body)
      const length = bytes && { 'content-length': bytes.byteLength }
      const signal = AbortSignal.timeout(BOUND_MS)
      const options = { method, headers: { ...headers, ...length }, agent: this.connections, signal }
      const sent = request(this.base, { ...options, path }, (response) => {
        text(response).then(
          (all) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: all }),
          reject,
        )
      })
      sent.once('error', reject)
      sent.end(bytes)
    })
  }
}

/** What holds of every answer, whatever was asked. */
function expectSane({ method, path }: FuzzRequest, answer: FuzzAnswer): void {
  const told = `${method} ${path.slice(0, 200)} → ${answer.status} ${answer.text.slice(0, 500)}`
  expect(answer.status, told).toBeGreaterThanOrEqual(200)
  expect(answer.status, told).toBeLessThan(500)
  if (answer.status >= 400 && method !== 'HEAD') expectErrorBody(answer, told)
}

function expectErrorBody({ headers, text: body }: FuzzAnswer, told: string): void {
  expect(headers['content-type'], told).toMatch(/^application\/json/)
  const error = JSON.parse(body) as Record<string, unknown>
  expect(error, told).toMatchObject({
    detail: expect.stringMatching(/\S/),
    error_code: expect.stringMatching(/^[A-Z][A-Z0-9_]*$/),
    request_id: headers['x-request-id'],
  })
  // Nothing of the inside: no stack, no driver, no SQL.
  expect(error.detail, told).not.toMatch(/\bat .*\.[jt]s:\d+|SQLITE|SqliteError|MikroORM|\bselect .* from\b/i)
}
