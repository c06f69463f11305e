import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request whose body a parser of the host has read. */
export interface ParsedRequest extends IncomingMessage {
  body?: unknown
  /** The body as it came, kept by the host (`verify` option of the Express parsers). */
  rawBody?: unknown
}

/**
 * The body that a host's parser has read, as bytes again, and the headers that describe them.
 *
 * @throws when the host kept nothing of it.
 */
export function parsedBody(incoming: ParsedRequest): { headers: IncomingHttpHeaders; body: Uint8Array } {
  const body = bytesOf(incoming)
  // Parsers inflate what they read, so the bytes are no longer encoded, and of another length.
  const { 'content-encoding': _encoding, 'transfer-encoding': _transfer, ...headers } = incoming.headers
  return { headers: { ...headers, 'content-length': String(body.byteLength) }, body }
}

function bytesOf({ rawBody, body, headers }: ParsedRequest): Uint8Array {
  for (const kept of [rawBody, body]) {
    if (kept instanceof Uint8Array) return kept
    if (typeof kept === 'string') return Buffer.from(kept)
  }
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (body !== undefined && (type === 'application/json' || type.endsWith('+json'))) {
    return Buffer.from(JSON.stringify(body))
  }
  if (body !== undefined && type === 'application/x-www-form-urlencoded') {
    return Buffer.from(new URLSearchParams(formEntries(body)).toString())
  }
  throw new Error(
    `The host read the request body (${type || 'no content type'}) before AgentOS and kept nothing of it. ` +
      'Mount AgentOS before that parser, or keep the bytes in req.rawBody.',
  )
}

/** The fields of a parsed form. Nested ones get back the brackets that they were written with. */
function formEntries(value: unknown, name = ''): [string, string][] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      formEntries(item, typeof item === 'object' && item !== null ? `${name}[${index}]` : name),
    )
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => formEntries(item, name === '' ? key : `${name}[${key}]`))
  }
  return [[name, (value as string | null | undefined) ?? '']]
}
