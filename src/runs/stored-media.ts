import { createHash } from 'node:crypto'
import type { MediaRepository } from './media-repository.js'

/** Under these keys records and events hold media: lists, or one. */
const LISTS = ['images', 'videos', 'audio', 'audios', 'files'] as const
const SINGLES = ['responseAudio', 'audioOutput', 'image'] as const

interface Media {
  content?: string
  mimeType?: string
}

/** A medium whose bytes lie in the media table; `asText` says how they are spelled in its `content`. */
interface MediaReference {
  mediaHash: string
  asText?: true
}

/**
 * Keeps the bytes of media out of rows and logs, which then hold a reference. In memory and at the edge media carry
 * their content; only what is stored is different.
 */
export class StoredMedia {
  constructor(private readonly repository: MediaRepository) {}

  /** Puts the bytes of all media in a value of a run aside and returns the value with references in their place. */
  async aside<Value>(runId: string, value: Value): Promise<Value> {
    if (!holdsMedia(value)) return value
    const found = new Map<string, Uint8Array>()
    const changed = mapMedia(value, (media) => {
      if (typeof media.content !== 'string') return media
      const { content, ...rest } = media
      const asText = isText(media)
      const bytes = Buffer.from(content, asText ? 'utf8' : 'base64')
      const mediaHash = createHash('sha256').update(bytes).digest('hex')
      found.set(mediaHash, bytes)
      return { ...rest, mediaHash, ...(asText && { asText }) }
    })
    if (found.size > 0) {
      await this.repository.put(
        runId,
        Array.from(found, ([hash, bytes]) => ({ hash, bytes })),
      )
    }
    return changed as Value
  }

  /** The value with what is known of its media, but without their content. */
  without<Value>(value: Value): Value {
    return mapMedia(value, (media) => {
      if (!isReference(media)) return media
      const { mediaHash: _hash, asText: _text, ...rest } = media
      return rest
    }) as Value
  }

  /** The value with the content of all media back in its place. Media whose bytes are gone keep their other fields. */
  async back<Value>(value: Value): Promise<Value> {
    if (!holdsMedia(value)) return value
    const hashes = new Set<string>()
    mapMedia(value, (media) => {
      if (isReference(media)) hashes.add(media.mediaHash)
      return media
    })
    if (hashes.size === 0) return value
    const stored = await this.repository.get([...hashes])
    return mapMedia(value, (media) => {
      if (!isReference(media)) return media
      const { mediaHash, asText, ...rest } = media
      const bytes = stored.get(mediaHash)
      return bytes ? { ...rest, content: Buffer.from(bytes).toString(asText ? 'utf8' : 'base64') } : rest
    }) as Value
  }
}

/** Text files carry their text, everything else base64. */
function isText({ mimeType }: Media): boolean {
  return mimeType?.startsWith('text/') ?? false
}

function isReference(media: Media): media is Media & MediaReference {
  return 'mediaHash' in media
}

/** Whether any medium hangs in a value; looks at the places where records and events have them, and no further. */
export function holdsMedia(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(holdsMedia)
  const record = value as Record<string, unknown>
  if (isForeign(record)) return false
  for (const key of LISTS) if (Array.isArray(record[key]) && record[key].length > 0) return true
  for (const key of SINGLES) if (record[key] !== undefined) return true
  for (const key of PLACES) if (record[key] !== undefined && holdsMedia(record[key])) return true
  return false
}

/** Places of a record, an event or a fold in which media, or further such places, hang. User JSON is never entered. */
const PLACES = [
  'input',
  'runInput',
  'messages',
  'additionalInput',
  'reasoningMessages',
  'event',
  'facts',
  'entry',
  'inputs',
  'made',
  'record',
  'nestedRuns',
  'memberResponses',
  'stepExecutorRuns',
  'nested',
  'start',
  'state',
  'workflow',
  'stepOutput',
  'stepResponse',
  'stepResults',
  'iterationResults',
  'allResults',
  'stepRequirements',
  'step',
  'steps',
  'output',
  'draft',
] as const

/** The value with each medium replaced; the value itself where there is none. */
function mapMedia(value: unknown, replace: (media: Media) => object): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return mapItems(value, (item) => mapMedia(item, replace))
  const record = value as Record<string, unknown>
  if (isForeign(record)) return value
  let changed: Record<string, unknown> | undefined
  const set = (key: string, now: unknown): void => {
    if (now !== record[key]) (changed ??= { ...record })[key] = now
  }
  for (const key of LISTS) {
    const list = record[key]
    if (Array.isArray(list))
      set(
        key,
        mapItems(list, (item) => (isMedia(item) ? replace(item) : item)),
      )
  }
  for (const key of SINGLES) if (isMedia(record[key])) set(key, replace(record[key]))
  for (const key of PLACES) if (record[key] !== undefined) set(key, mapMedia(record[key], replace))
  return changed ?? value
}

function mapItems(items: readonly unknown[], map: (item: unknown) => unknown): unknown {
  let changed: unknown[] | undefined
  items.forEach((item, index) => {
    const now = map(item)
    if (now !== item) (changed ??= [...items])[index] = now
  })
  return changed ?? items
}

function isMedia(value: unknown): value is Media {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The fields of a custom event are the tool's own: what looks like a medium there is none of ours. */
function isForeign(record: Record<string, unknown>): boolean {
  return record.event === 'CustomEvent'
}
