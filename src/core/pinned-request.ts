import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { canonicalAddress } from './address-ranges.js'
import type { SafeTarget } from './safe-target.js'

/** One request without redirects, in the shape that is sent. */
export interface PinnedRequest {
  method: string
  headers: Headers
  body?: Uint8Array | string
  signal: AbortSignal
}

/** Sends one request to exactly the addresses that were checked, and resolves with the response's head. */
export function sendPinned(target: SafeTarget, request: PinnedRequest): Promise<IncomingMessage> {
  const isTls = target.url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const outgoing = (isTls ? httpsRequest : httpRequest)(target.url, {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      signal: request.signal,
      // A connection of its own: a pooled one, or a proxy's, would not have been checked.
      agent: false,
      lookup: pinnedLookup(target.addresses),
      // A certificate is asked for by the name; TLS knows no server names that are addresses or end in a dot.
      ...(isTls && !isIP(target.hostname) ? { servername: target.hostname } : {}),
    })
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
    outgoing.once('socket', (socket) => {
      socket.once('connect', () => {
        // A literal address never reaches `lookup`, so what counts is where the socket really is. Nothing is
        // written before this check: the request is only ended after it.
        if (target.addresses.includes(canonicalAddress(socket.remoteAddress ?? ''))) outgoing.end(request.body)
        else outgoing.destroy(new Error('The connection did not reach the checked address.'))
      })
    })
  })
}

/** Answers every question with the addresses that were checked: a second answer of the DNS is never asked for. */
function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_hostname, options, callback) => {
    if (options.all) return callback(null, found)
    const [first] = found
    callback(null, first?.address ?? '', first?.family)
  }
}
