import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { canonicalAddress, isPublicAddress } from './address-ranges.js'
import { ValidationError } from './errors.js'
import { FetchError } from './fetch-error.js'

/** Turns a host name into the addresses that it stands for. */
export type AddressResolver = (hostname: string) => Promise<readonly string[]>

/** What the host decides about outgoing requests. */
export interface SafeFetchPolicy {
  /** Default: the operating system's resolver. */
  resolve?: AddressResolver
  /**
   * Hosts that are trusted as they are, as `name:port`: their name, port and addresses are not checked. For a
   * webhook receiver in the host's own network, for example.
   */
  allowedHosts?: readonly string[]
}

/** A URL that may be fetched, and the only addresses that it may be fetched from. */
export interface SafeTarget {
  url: URL
  /** Without brackets and trailing dot. */
  hostname: string
  addresses: readonly string[]
}

const privateNames = ['localhost', 'local', 'localdomain', 'internal', 'intranet', 'lan', 'home.arpa', 'onion']

/**
 * Checks a URL and pins its addresses.
 *
 * @throws ValidationError `URL_FORBIDDEN` when it is no http(s) URL, holds credentials, or leads anywhere but the
 *   public internet, on a port other than 80, 443 or one from 1024 up.
 */
export async function safeTarget(input: string | URL, policy: SafeFetchPolicy): Promise<SafeTarget> {
  const { url, hostname, trusted } = checkUrl(input, policy)
  const addresses = isIP(hostname) ? [hostname] : await resolveAll(hostname, policy.resolve ?? systemResolver)
  if (!trusted) checkAddresses(hostname, addresses)
  return { url, hostname, addresses: addresses.map(canonicalAddress) }
}

/**
 * Checks what a URL says by itself, without asking for the addresses of a name: what passes here may still be refused
 * when it is fetched.
 *
 * @throws ValidationError `URL_FORBIDDEN`
 */
export function checkUrl(
  input: string | URL,
  policy: SafeFetchPolicy,
): { url: URL; hostname: string; trusted: boolean } {
  const url = parse(input)
  const hostname = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const trusted = policy.allowedHosts?.includes(`${url.hostname}:${port}`) ?? false
  if (!trusted) checkNameAndPort(hostname, port)
  if (!trusted && isIP(hostname)) checkAddresses(hostname, [hostname])
  return { url, hostname, trusted }
}

/** @throws ValidationError `URL_FORBIDDEN` where a redirect leaves TLS: what was asked for in secret would be said aloud. */
export function checkRedirect(from: URL, to: URL): void {
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw forbidden('The URL redirects from https to http.')
  }
}

function checkAddresses(hostname: string, addresses: readonly string[]): void {
  // One forbidden address among several is enough: which one a connection takes is not ours to choose. The detail
  // does not name it, or the answer would map the inside of the network for whoever asks.
  if (addresses.every(isPublicAddress)) return
  throw forbidden(`The URL's host "${hostname}" is not a public internet address.`)
}

function parse(input: string | URL): URL {
  if (!URL.canParse(input)) throw forbidden('The URL is not valid: give an absolute http or https URL.')
  const url = new URL(input)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw forbidden(`URLs of the scheme "${url.protocol}" are not fetched: use http or https.`)
  }
  if (url.username !== '' || url.password !== '') throw forbidden('The URL must not hold a user name or a password.')
  return url
}

function checkNameAndPort(hostname: string, port: number): void {
  // Below 1024 live mail, directory and file services that a request could be made to talk to.
  if (port !== 80 && port !== 443 && port < 1024) {
    throw forbidden(`Port ${port} is not fetched: use 80, 443 or one from 1024 up.`)
  }
  if (isIP(hostname)) return
  const isPrivate = privateNames.some((name) => hostname === name || hostname.endsWith(`.${name}`))
  // A name without a dot is completed with the machine's own search domain.
  if (isPrivate || !hostname.includes('.') || hostname.endsWith('.')) {
    throw forbidden(`The URL's host "${hostname}" is not a public internet name.`)
  }
}

async function resolveAll(hostname: string, resolve: AddressResolver): Promise<readonly string[]> {
  let addresses: readonly string[]
  try {
    addresses = await resolve(hostname)
  } catch (cause) {
    throw new FetchError('dns', `The host name "${hostname}" does not resolve.`, { cause })
  }
  if (addresses.length === 0) throw new FetchError('dns', `The host name "${hostname}" has no address.`)
  return addresses
}

const systemResolver: AddressResolver = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

function forbidden(detail: string): ValidationError {
  return new ValidationError('URL_FORBIDDEN', detail)
}
