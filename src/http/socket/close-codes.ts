/** Why the server closes a socket. Those under 4000 are the protocol's own; frames that are too large close with 1009. */
export const closeCodes = {
  /** The server goes away: connect again, and follow your runs from the last event that you have. */
  restart: 1012,
  /** Nobody has said in time who is there. */
  unauthenticated: 4401,
  /** The token is no longer good. */
  tokenExpired: 4403,
} as const
