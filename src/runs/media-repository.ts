/** Bytes of media, by the SHA-256 of what they are, so that each is stored once. */
export interface MediaRepository {
  /** Stores what is not there yet, and that a run uses it, which may be stored later: it stays as long as that run. */
  put(runId: string, media: readonly { hash: string; bytes: Uint8Array }[]): Promise<void>
  /** The bytes by hash, as far as they are there. */
  get(hashes: readonly string[]): Promise<Map<string, Uint8Array>>
}
