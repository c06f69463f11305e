import { newId } from '../core/ids.js'
import type { Audio, File, Image, Media, Video } from './log/media.js'

type WithoutId<One> = Omit<One, 'id'> & { id?: string }

/** Media by kind; an id is made where none is given. */
export interface GivenMedia {
  images?: WithoutId<Image>[]
  videos?: WithoutId<Video>[]
  audio?: WithoutId<Audio>[]
  files?: WithoutId<File>[]
}

/** The same media, each with an id; kinds that are empty are left out. */
export function withIds({ images, videos, audio, files }: GivenMedia): Media {
  return {
    ...(images?.length && { images: images.map((one) => ({ ...one, id: one.id ?? newId('img') })) }),
    ...(videos?.length && { videos: videos.map((one) => ({ ...one, id: one.id ?? newId('vid') })) }),
    ...(audio?.length && { audio: audio.map((one) => ({ ...one, id: one.id ?? newId('aud') })) }),
    ...(files?.length && { files: files.map((one) => ({ ...one, id: one.id ?? newId('file') })) }),
  }
}

/** What a tool returns that has more to give than text. Made by {@link toolResult}. */
export class ToolResult {
  readonly media: Media

  constructor(
    /** What the model sees. */
    readonly content: unknown,
    media: GivenMedia,
  ) {
    this.media = withIds(media)
  }
}

/**
 * A tool's result with media. The model sees `content`; images, videos, audio and files go to the client, with the
 * tool's event and with the finished run.
 *
 * @example
 * ```ts
 * return toolResult({ content: 'The chart is shown to the user.', images: [{ content: base64, mimeType: 'image/png' }] })
 * ```
 */
export function toolResult({ content, ...media }: { content: unknown } & GivenMedia): ToolResult {
  return new ToolResult(content, media)
}

/** What the model reads as a tool's answer: a string as it is, anything else as JSON. */
export function resultText(result: unknown): string {
  const content = result instanceof ToolResult ? result.content : result
  if (typeof content === 'string') return content
  return JSON.stringify(content) ?? 'null'
}
