import type { CompiledRoute } from './compiled-route.js'
import { Reply } from './reply.js'

/** Under this key the adapters for Node find the text of a body, which saves them the way through a stream. */
const plainBody = Symbol.for('agentos-sdk.plainBody')

/** What keeps browsers from taking an answer for something else than it is. The page at `/docs` adds its own policy. */
const protection = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
}
const protections = Object.entries(protection)

/** Answers are for the caller who asked, unless a handler says otherwise. */
const privateJson = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** A handler's headers under the names that ours have, so that they replace them. */
function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const name in headers) lower[name.toLowerCase()] = headers[name]!
  return lower
}

/** Builds the answers to one request: each carries its request id, and none has a body where the method is HEAD. */
export class Respond {
  constructor(
    private readonly requestId: string,
    private readonly isHead: boolean,
  ) {}

  /** What a handler returned, as its route says. */
  result(target: CompiledRoute<never>, result: unknown): Response {
    if (result instanceof Response) return this.stamped(result)
    const isReply = result instanceof Reply
    const { status, value, headers } = isReply ? (result as Reply) : new Reply(target.firstStatus, result)
    const encode = target.encode.get(status)
    if (encode === undefined) throw new Error(`${target.route.operationId} does not declare the status ${status}.`)
    if (encode === null || value === undefined) return this.empty(status, headers)
    return this.json(status, JSON.stringify(encode(value)), headers)
  }

  json(status: number, text: string, extra?: Readonly<Record<string, string>>): Response {
    const headers = this.headers({ ...privateJson, ...lowerCased(extra) })
    if (this.isHead) return new Response(null, { status, headers })
    const response: Response & { [plainBody]?: string } = new Response(text, { status, headers })
    response[plainBody] = text
    return response
  }

  empty(status: number, extra?: Readonly<Record<string, string>>): Response {
    return new Response(null, { status, headers: this.headers(lowerCased(extra)) })
  }

  private headers(more: Readonly<Record<string, string>>): Record<string, string> {
    return { 'x-request-id': this.requestId, ...protection, ...more }
  }

  private stamped(response: Response): Response {
    if (this.isHead && response.body) {
      void response.body.cancel().catch(() => undefined)
      return this.stamped(new Response(null, { status: response.status, headers: response.headers }))
    }
    try {
      response.headers.set('x-request-id', this.requestId)
    } catch (error) {
      // Responses that were fetched or made by `Response.redirect()` have headers that can't be changed.
      if (!(error instanceof TypeError)) throw error
      return this.stamped(new Response(response.body, { status: response.status, headers: response.headers }))
    }
    for (const [name, value] of protections) if (!response.headers.has(name)) response.headers.set(name, value)
    return response
  }
}
