import { z } from 'zod'
import { EpochSeconds } from '../../core/schema.js'

/** Where the bytes are: exactly one of the three. `content` is base64 (of a `text/*` file: the text itself). */
const source = {
  url: z.string().optional(),
  filepath: z.string().optional(),
  content: z.string().optional(),
}

export const Image = z
  .object({
    id: z.string(),
    ...source,
    format: z.string().optional(),
    mimeType: z.string().optional(),
    detail: z.enum(['low', 'medium', 'high', 'auto']).optional(),
    originalPrompt: z.string().optional(),
    revisedPrompt: z.string().optional(),
    altText: z.string().optional(),
  })
  .meta({ id: 'Image' })
export type Image = z.infer<typeof Image>

export const Audio = z
  .object({
    id: z.string(),
    ...source,
    format: z.string().optional(),
    mimeType: z.string().optional(),
    /** Seconds. */
    duration: z.number().optional(),
    /** Hertz. */
    sampleRate: z.number().optional(),
    channels: z.number().optional(),
    transcript: z.string().optional(),
    expiresAt: EpochSeconds.optional(),
  })
  .meta({ id: 'Audio' })
export type Audio = z.infer<typeof Audio>

export const Video = z
  .object({
    id: z.string(),
    ...source,
    format: z.string().optional(),
    mimeType: z.string().optional(),
    /** Seconds. */
    duration: z.number().optional(),
    width: z.number().optional(),
    height: z.number().optional(),
    fps: z.number().optional(),
    eta: z.string().optional(),
    originalPrompt: z.string().optional(),
    revisedPrompt: z.string().optional(),
  })
  .meta({ id: 'Video' })
export type Video = z.infer<typeof Video>

/** Document types that every client of the contract accepts. */
export const DOCUMENT_MIME_TYPES = [
  'application/pdf',
  'application/json',
  'application/x-javascript',
  'text/javascript',
  'application/x-python',
  'text/x-python',
  'text/plain',
  'text/html',
  'text/css',
  'text/markdown',
  'text/csv',
  'text/xml',
  'text/rtf',
  'application/msword',
  'application/vnd.ms-powerpoint',
  'application/vnd.ms-excel',
  'application/vnd.ms-outlook',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
] as const

export const File = z
  .object({
    id: z.string().optional(),
    ...source,
    mimeType: z.enum(DOCUMENT_MIME_TYPES).optional(),
    fileType: z.string().optional(),
    filename: z.string().optional(),
    /** Bytes. */
    size: z.number().optional(),
    external: z.unknown().optional(),
    format: z.string().optional(),
    name: z.string().optional(),
  })
  .meta({ id: 'File' })
export type File = z.infer<typeof File>

/** Media of one input or answer, by kind. */
export const MediaLists = {
  images: z.array(Image).optional(),
  videos: z.array(Video).optional(),
  audio: z.array(Audio).optional(),
  files: z.array(File).optional(),
}

const MediaByKind = z.object(MediaLists)
/** Media by kind. */
export type Media = z.infer<typeof MediaByKind>

export function holdsMedia({ images, videos, audio, files }: Media): boolean {
  return [images, videos, audio, files].some((list) => list !== undefined && list.length > 0)
}

/** Adds media to others, in place. */
export function addMedia(to: Media, { images, videos, audio, files }: Media): void {
  if (images?.length) to.images = [...(to.images ?? []), ...images]
  if (videos?.length) to.videos = [...(to.videos ?? []), ...videos]
  if (audio?.length) to.audio = [...(to.audio ?? []), ...audio]
  if (files?.length) to.files = [...(to.files ?? []), ...files]
}
