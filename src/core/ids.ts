import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
const pool = new Uint8Array(POOL_BYTES)
let poolOffset = POOL_BYTES
let lastMilliseconds = 0
let counter = 0

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A prefix and a UUIDv7 (RFC 9562), such as `run_0199f3a2-…`. Ids of one process rise strictly: `rand_a` is a
 * counter within the millisecond (method 1 of section 6.2), so new rows land at the end of each index.
 */
export function newId(prefix: string): string {
  return `${prefix}_${newUuid()}`
}

/** The UUIDv7 of {@link newId}, for ids that are to be nothing else. */
export function newUuid(): string {
  const now = Date.now()
  if (now > lastMilliseconds) {
    lastMilliseconds = now
    counter = 0
  } else if (++counter > 0xfff) {
    // The counter is used up, or the clock went back: borrow from the next millisecond.
    lastMilliseconds++
    counter = 0
  }
  if (poolOffset + 8 > POOL_BYTES) {
    randomFillSync(pool)
    poolOffset = 0
  }
  const at = poolOffset
  poolOffset += 8
  const time = lastMilliseconds.toString(16).padStart(12, '0')
  const sequence = counter.toString(16).padStart(3, '0')
  const byte = (offset: number): string => hex[pool[at + offset]!]!
  const variant = hex[(pool[at]! & 0x3f) | 0x80]!
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${variant}${byte(1)}-` +
    `${byte(2)}${byte(3)}${byte(4)}${byte(5)}${byte(6)}${byte(7)}`
  )
}
