import { networkOf } from '../core/address-ranges.js'
import type { Clock } from '../core/clock.js'
import { RecentMap } from '../core/recent-map.js'

const LIMIT = 20
const WINDOW_MS = 60_000
/** Addresses that are remembered: about 2 MB when all are at the limit. */
const ADDRESSES = 10_000

/** Counts failures by the address that they come from: after 20 within 60 seconds, further ones are told to wait. */
export class FailureThrottle {
  private readonly times = new RecentMap<string, readonly number[]>(ADDRESSES)

  constructor(private readonly clock: Clock) {}

  /**
   * Notes a failure.
   *
   * @param address clients whose address nobody knows share one count.
   * @returns seconds to wait; undefined while there are few. What is told to wait is not counted, so that the time is
   *   true.
   */
  note(address = ''): number | undefined {
    const now = this.clock.now()
    const network = networkOf(address)
    const recent = (this.times.get(network) ?? []).filter((at) => at > now - WINDOW_MS)
    if (recent.length >= LIMIT) return (recent[0]! + WINDOW_MS - now) / 1000
    this.times.set(network, [...recent, now])
    return undefined
  }
}
