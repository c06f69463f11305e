/** Random bytes in hexadecimal. Not by `randomUUID`, which a page that was not loaded over HTTPS does not have. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
}
