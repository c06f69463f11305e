import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** A `node:http` or `node:https` server. */
export type UpgradingServer = EventEmitter & {
  /** Which requests are upgraded, in versions of Node that ask. */
  shouldUpgradeCallback?: (incoming: IncomingMessage) => boolean
}

/** Requests for an upgrade that are somebody's. */
export interface Claim {
  isOurs(incoming: IncomingMessage): boolean
  /** What it throws answers 400. */
  upgrade(incoming: IncomingMessage, connection: Duplex, head: Buffer): void
}

const claimsOf = new WeakMap<UpgradingServer, Set<Claim>>()

/** Takes a server's requests for an upgrade, and leaves all others to whom they belong. Returns what gives them back. */
export function claimUpgrades(server: UpgradingServer, claim: Claim): () => void {
  const claims = claimsOf.get(server) ?? listen(server)
  claims.add(claim)
  return () => claims.delete(claim)
}

/** One listener for all claims, so that it can tell whether the app has one too. */
function listen(server: UpgradingServer): Set<Claim> {
  const claims = new Set<Claim>()
  claimsOf.set(server, claims)
  const find = (incoming: IncomingMessage): Claim | undefined => [...claims].find((one) => one.isOurs(incoming))
  const hasOthers = (): boolean => server.listenerCount('upgrade') > 1
  server.on('upgrade', (incoming: IncomingMessage, connection: Duplex, head: Buffer) => {
    const claim = find(incoming)
    if (!claim) {
      if (!hasOthers()) refuse(connection, '404 Not Found')
      return
    }
    // It may break before anybody else listens, and a process must not end by that.
    connection.on('error', () => undefined)
    try {
      claim.upgrade(incoming, connection, head)
    } catch {
      refuse(connection, '400 Bad Request')
    }
  })
  // Where nobody else upgrades, all other requests stay requests: some clients ask for HTTP/2 with each of theirs.
  const before = server.shouldUpgradeCallback
  if (before) {
    server.shouldUpgradeCallback = (incoming) =>
      find(incoming) !== undefined || (hasOthers() && before.call(server, incoming))
  }
  return claims
}

function refuse(connection: Duplex, status: string): void {
  connection.on('error', () => undefined)
  connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
