import type { ServerOptions } from 'node:http'

/**
 * What Node's server refuses before an app sees anything of it. Its defaults give a client a minute for its headers
 * and five for its body, and look only every 30 seconds.
 */
export const serverLimits: ServerOptions = {
  /** For the headers of a request, and for a new connection that says nothing. */
  headersTimeout: 10_000,
  /** For a whole request with its body; answers, and so streams, may take as long as they like. */
  requestTimeout: 120_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
}

/** Connections at once. Each one that waits costs some 10 kB; leave room below `ulimit -n` for files and databases. */
export const maxConnections = 10_000
