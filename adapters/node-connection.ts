import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** Whether all of a response was handed to the system. On HTTP/2 a reset stream counts as finished, but not as ended. */
export function isFinished(outgoing: ServerResponse): boolean {
  return outgoing.writableEnded && outgoing.writableFinished
}

/** Whether nothing can be written any more. */
export function isGone(outgoing: ServerResponse): boolean {
  // HTTP/2's response has no `destroyed` of its own.
  return outgoing.destroyed || (outgoing as { stream?: ServerHttp2Stream }).stream?.destroyed === true
}
