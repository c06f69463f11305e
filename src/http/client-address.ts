/**
 * The address that a request comes from: what the trusted proxy says, else what the host saw.
 *
 * @param trustedProxyHeader a header that a proxy in front of every request sets itself. Of several addresses in it
 *   the last one counts: the others are what the client told the proxy.
 */
export function clientAddress(
  headers: Headers,
  seen: string | undefined,
  trustedProxyHeader: string | undefined,
): string | undefined {
  const told = trustedProxyHeader === undefined ? null : headers.get(trustedProxyHeader)
  const last = told?.split(',').at(-1)?.trim()
  return last ? withoutPort(last.slice(0, MAX_LENGTH)) : seen
}

/** Of an IPv6 address with a zone and a port. */
const MAX_LENGTH = 80

/** Some proxies add the client's port, which is another one with every connection. */
function withoutPort(address: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address
}
