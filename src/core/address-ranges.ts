import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** What of IPv4 is not the public internet (IANA's special-purpose registry, and one cloud's metadata address). */
const refusedIPv4 = [
  '0.0.0.0/8', // this network, unspecified
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; holds a cloud's metadata address
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's host agent: a public number, reachable from inside only
  '169.254.0.0/16', // link-local; the usual metadata address
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; holds a cloud's metadata address
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
]

/** What inside IPv6's global unicast space (2000::/3) is not the public internet. */
const refusedIPv6 = [
  '2001::/23', // protocol assignments: Teredo, ORCHID, benchmarking
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: reaches the IPv4 address inside it
  '3ffe::/16', // the retired 6bone
  '3fff::/20', // documentation
]

const refused4 = blockList(refusedIPv4, 'ipv4')
const refused6 = blockList(refusedIPv6, 'ipv6')
const globalUnicast6 = blockList(['2000::/3'], 'ipv6')

/** Whether an address literal belongs to the public internet. Anything that is not an address is not public. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused4.check(address, 'ipv4')
  // A zone id names an interface of this machine.
  if (isIP(address) !== 6 || address.includes('%')) return false
  const groups = ipv6Groups(address)
  const embedded = embeddedIPv4(groups)
  if (embedded !== undefined) return isPublicAddress(embedded)
  // ISATAP: the interface part carries an IPv4 address of somebody's inside.
  if (((groups[4] ?? 0) & 0xfdff) === 0 && groups[5] === 0x5efe) return false
  return globalUnicast6.check(address, 'ipv6') && !refused6.check(address, 'ipv6')
}

/** One spelling for each address, so that two can be compared. An IPv4-mapped address becomes the IPv4 one. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address
  const groups = ipv6Groups(address)
  return isMapped(groups) ? lastIPv4(groups) : groups.map((group) => group.toString(16)).join(':')
}

/** The IPv4 address that an IPv4-mapped or a NAT64 address leads to. */
function embeddedIPv4(groups: readonly number[]): string | undefined {
  const isNat64 = groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0)
  return isMapped(groups) || isNat64 ? lastIPv4(groups) : undefined
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
}

function lastIPv4(groups: readonly number[]): string {
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** The eight numbers of a valid IPv6 literal. */
function ipv6Groups(address: string): number[] {
  // The URL parser writes any spelling, also one with a dotted quad, in the one canonical form.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
}

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/')
    list.addSubnet(network, Number(prefix), family)
  }
  return list
}

/** Whoever has one IPv6 address has 2^64 of them, so that a /64 counts as one. */
export function networkOf(address: string): string {
  return isIPv6(address) ? canonicalAddress(address).split(':').slice(0, 4).join(':') : address
}
