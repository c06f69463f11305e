import { defineEntity, p } from '@mikro-orm/core'

/** Bytes by the SHA-256 of what they are. */
export const MediaEntity = defineEntity({
  name: 'Media',
  tableName: 'agentos_media',
  properties: { hash: p.text().primary(), bytes: p.blob() },
})

/** Which run uses which bytes: what no run uses any more goes with the last one. */
export const MediaUseEntity = defineEntity({
  name: 'MediaUse',
  tableName: 'agentos_media_uses',
  properties: {
    runId: p.text().primary(),
    hash: p.text().primary(),
    /** The run may be stored later, or not at all. */
    storedAt: p.bigint('number'),
  },
  indexes: [{ name: 'agentos_media_uses_hash', properties: ['hash'] }],
})
