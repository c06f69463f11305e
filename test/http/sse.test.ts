import { describe, expect, it } from 'vitest'
import { NotFoundError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import { sseFrame, sseResponse } from '../../src/http/sse.js'

const frame = (index: number) => sseFrame('RunContent', index, `{"event_index":${index}}`)
async function* batches(...all: (string | string[])[]): AsyncGenerator<string | string[]> {
  yield* all
}
async function chunksOf(response: Response): Promise<string[]> {
  const chunks: string[] = []
  for await (const chunk of response.body!) chunks.push(new TextDecoder().decode(chunk))
  return chunks
}

describe('sseFrame', () => {
  it('is event, id, data and a blank line, without any foreign line break', () => {
    expect(sseFrame('RunContent', 7, '{"a":1}')).toBe('event: RunContent\nid: 7\ndata: {"a":1}\n\n')
    const text = 'a\u0085b\u2028c\u2029d'
    const written = sseFrame('RunContent', 0, JSON.stringify({ text }))
    expect(written).toContain('a\\u0085b\\u2028c\\u2029d')
    expect(JSON.parse(written.split('data: ')[1]!)).toEqual({ text })
  })
})

describe('sseResponse', () => {
  it('sends what was committed at once as one chunk', async () => {
    const response = sseResponse(batches([frame(0), frame(1)], [], frame(2)), { headers: { 'X-Run-Id': 'run_1' } })
    expect(await chunksOf(response)).toEqual([frame(0) + frame(1), frame(2)])
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-run-id': 'run_1',
    })
  })

  it('reads from the source only what the client reads', async () => {
    let asked = 0
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield frame(asked++)
    }
    const reader = sseResponse(endless()).body!.getReader()
    expect(asked).toBe(0)
    await reader.read()
    await reader.read()
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toBe(2)
    await reader.cancel()
  })

  it('sends heartbeats while there is silence, and loses nothing by it', async () => {
    let give: (value: string) => void = () => undefined
    async function* slow(): AsyncGenerator<string> {
      yield await new Promise<string>((resolve) => (give = resolve))
    }
    const reader = sseResponse(slow(), { heartbeatMs: 5 }).body!.getReader()
    const next = async () => new TextDecoder().decode((await reader.read()).value)
    expect(await next()).toBe(': heartbeat\n\n')
    expect(await next()).toBe(': heartbeat\n\n')
    give(frame(0))
    let after = await next()
    while (after.startsWith(':')) after = await next()
    expect(after).toBe(frame(0))
    expect((await reader.read()).done).toBe(true)
  })

  it('sends heartbeats while all that comes is hidden from the client', async () => {
    const end = new AbortController()
    async function* hidden(): AsyncGenerator<string[]> {
      while (!end.signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        yield []
      }
    }
    const reader = sseResponse(hidden(), { heartbeatMs: 40 }).body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(': heartbeat\n\n')
    end.abort()
    while (!(await reader.read()).done);
  })

  it('returns the iterator and aborts the signal when the client is gone', async () => {
    let returned = false
    let signal: AbortSignal | undefined
    const source = (given: AbortSignal) => {
      signal = given
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<string>>(() => undefined),
          return: () => {
            returned = true
            return Promise.resolve({ done: true as const, value: undefined })
          },
        }),
      }
    }
    const reader = sseResponse(source).body!.getReader()
    const reading = reader.read()
    await expect.poll(() => signal).toBeDefined()
    await reader.cancel('gone')
    expect((await reading).done).toBe(true)
    expect([returned, signal?.aborted]).toEqual([true, true])
  })

  it('returns an iterator that was never read from', async () => {
    let returned = false
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('read')),
        return: () => {
          returned = true
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    await sseResponse(source).body!.cancel()
    expect(returned).toBe(true)
  })

  it('ends with one error frame when the source fails, and logs it', async () => {
    const logged: object[] = []
    const logger = { ...silentLogger, error: (fields: object) => logged.push(fields) }
    async function* failing(error: Error): AsyncGenerator<string> {
      yield frame(0)
      throw error
    }
    const [, bug] = await chunksOf(sseResponse(failing(new Error('SELECT')), { logger, requestId: 'r' }))
    expect(bug).toMatch(/^event: error\ndata: \{"event":"error","error":"[^"]+","error_code":"INTERNAL_ERROR"\}\n\n$/)
    expect(bug).not.toContain('SELECT')
    const [, known] = await chunksOf(sseResponse(failing(new NotFoundError('RUN_NOT_FOUND', 'No run.')), { logger }))
    expect(known).toContain('"error":"No run.","error_code":"RUN_NOT_FOUND"')
    expect(logged).toHaveLength(2)
  })
})
