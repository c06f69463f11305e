import type { MountOptions, WebHandler } from '../../src/http/web-handler.js'
import { PlainResponse } from './plain-response.js'

/** What happened inside a handler, for a test that stands outside. */
export interface Observed {
  /** Requests that were answered, by path. */
  served: string[]
  /** Paths whose `request.signal` has aborted. */
  aborted: string[]
  /** Paths whose response stream was cancelled. */
  cancelled: string[]
  /** Chunks that the endless stream has produced. */
  produced: number
  /** Bytes of a request body that were read before it was refused or ended. */
  bytesRead: number
}

function nothingYet(): Observed {
  return { served: [], aborted: [], cancelled: [], produced: 0, bytesRead: 0 }
}

/**
 * A small WebHandler that answers one path for each thing that an adapter has to carry. What it saw is
 * asked for by HTTP as well, since a host may run it in a process of its own.
 */
export class StandIn implements WebHandler {
  #observed = nothingYet()
  /** Lets the held SSE stream write its last event. */
  #release: () => void = () => undefined

  matches(pathname: string): boolean {
    return pathname === '/si' || pathname.startsWith('/si/')
  }

  async fetch(request: Request, { basePath = '' }: MountOptions = {}): Promise<Response> {
    const url = new URL(request.url)
    const path = url.pathname.slice(basePath.length).replace(/^\/si/, '')
    if (path.startsWith('/control/')) return this.#control(path)
    this.#observed.served.push(path)
    request.signal.addEventListener('abort', () => this.#observed.aborted.push(path))
    const answer = this.#routes[path]
    if (answer === undefined) return json({ error_code: 'NOT_FOUND' }, 404)
    return answer(request, basePath)
  }

  #control(path: string): Response {
    if (path === '/control/release') this.#release()
    if (path === '/control/reset') this.#observed = nothingYet()
    return json(this.#observed)
  }

  readonly #routes: { [path: string]: (request: Request, basePath: string) => Response | Promise<Response> } = {
    '/info': (request, basePath) => {
      const { pathname, searchParams } = new URL(request.url)
      const headers = Object.fromEntries(request.headers)
      return json({
        method: request.method,
        pathname,
        query: [...searchParams],
        basePath,
        headers,
        has_body: request.body !== null,
      })
    },
    '/json': async (request) => {
      const text = await request.text()
      if (request.headers.get('content-type')?.includes('json') !== true) return json({ error_code: 'TYPE' }, 415)
      try {
        return json({ body: JSON.parse(text) as unknown })
      } catch (error) {
        return json({ error_code: 'MALFORMED_BODY', detail: String(error) }, 400)
      }
    },
    '/form': async (request) => {
      const fields: { [name: string]: unknown } = {}
      for (const [name, value] of await request.formData()) {
        const field =
          typeof value === 'string' ? value : { name: value.name, type: value.type, text: await value.text() }
        fields[name] = name in fields ? [fields[name], field].flat() : field
      }
      return json(fields)
    },
    '/upload': async (request) => {
      this.#observed.bytesRead = 0
      for await (const chunk of request.body ?? []) {
        this.#observed.bytesRead += chunk.byteLength
        if (this.#observed.bytesRead > 1_000_000) {
          await request.body?.cancel().catch(() => undefined)
          return json({ error_code: 'PAYLOAD_TOO_LARGE' }, 413)
        }
      }
      return json({ bytes: this.#observed.bytesRead })
    },
    '/read': async (request) => json({ length: (await request.arrayBuffer()).byteLength }),
    '/sse': () =>
      this.#stream('/sse', async function* (wait) {
        yield 'id: 0\nevent: RunStarted\ndata: {}\n\n'
        await wait
        yield 'id: 1\nevent: RunCompleted\ndata: {}\n\n'
      }),
    '/quiet': () =>
      this.#stream('/quiet', async function* (wait) {
        await wait
        yield ': end\n\n'
      }),
    '/endless': () =>
      this.#stream('/endless', async function* () {
        for (;;) yield 'x'.repeat(64 * 1024)
      }),
    '/torn': () =>
      this.#stream('/torn', async function* () {
        yield 'data: first\n\n'
        throw new Error('the stream broke')
      }),
    '/big': () => new Response('y'.repeat(5_000_000)),
    '/big-json': () => json({ text: 'z'.repeat(3_000_000) }),
    '/text': () => new Response('plain text', { headers: { 'x-kind': 'platform' } }),
    '/no-content': () => new Response(null, { status: 204 }),
    '/not-modified': () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
    '/cookies': () => {
      const headers = new Headers({ vary: 'Accept', 'x-two': 'a' })
      for (const cookie of ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'])
        headers.append('set-cookie', cookie)
      headers.append('x-two', 'b')
      return new PlainResponse('{}', { headers })
    },
    '/throw': () => {
      throw new Error('the core broke')
    },
  }

  #stream(path: string, produce: (released: Promise<void>) => AsyncGenerator<string>): Response {
    const released = new Promise<void>((resolve) => (this.#release = resolve))
    const source = produce(released)
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const next = await source.next()
          if (next.done) return controller.close()
          this.#observed.produced++
          controller.enqueue(encoder.encode(next.value))
        },
        cancel: () => {
          this.#observed.cancelled.push(path)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' },
    })
  }
}

function json(value: unknown, status = 200): Response {
  return new PlainResponse(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } })
}
