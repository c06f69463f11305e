import { newId } from '../core/ids.js'
import type { InputPart } from '../models/model.js'
import type { Audio, File, Image, Video } from './log/media.js'
import type { Message } from './log/message.js'
import type { RunInput } from './log/run-record.js'

/** A message without content, which a run of ours begins. */
export function newMessage(role: Message['role'], createdAt: number): Message {
  return { id: newId('msg'), role, fromHistory: false, stopAfterToolCall: false, createdAt }
}

/** The input as the user's message; JSON becomes text, media stay beside it. */
export function userMessage({ inputContent, images, videos, audios, files }: RunInput, createdAt: number): Message {
  return {
    ...newMessage('user', createdAt),
    content: typeof inputContent === 'string' ? inputContent : JSON.stringify(inputContent),
    ...(images?.length && { images }),
    ...(videos?.length && { videos }),
    ...(audios?.length && { audio: audios }),
    ...(files?.length && { files }),
  }
}

/** The message as a model takes it: a text, or parts when media belong to it. */
export function userContent({ content, images, audio, videos, files }: Message): string | InputPart[] {
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? '')
  const media = [
    ...(images ?? []).map(imagePart),
    ...(audio ?? []).map(audioPart),
    ...(videos ?? []).map(videoPart),
    ...(files ?? []).map(filePart),
  ]
  return media.length === 0 ? text : [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...media]
}

interface Source {
  url?: string
  content?: string
  mimeType?: string
  format?: string
}

function source({ url, content, mimeType, format }: Source, family?: string) {
  const type = mimeType ?? (format !== undefined && family !== undefined ? `${family}/${format}` : undefined)
  return { ...(url === undefined ? { data: content ?? '' } : { url }), ...(type !== undefined && { mimeType: type }) }
}

function imagePart(image: Image): InputPart {
  return { type: 'image', ...source(image, 'image'), ...(image.detail && { detail: image.detail }) }
}

function audioPart(audio: Audio): InputPart {
  return { type: 'audio', ...source(audio, 'audio') }
}

function videoPart(video: Video): InputPart {
  return { type: 'video', ...source(video, 'video') }
}

function filePart(file: File): InputPart {
  const isText = file.mimeType?.startsWith('text/') === true && file.content !== undefined
  // The contract carries what is text as text; models take every file in base64.
  const carried = isText ? { ...file, content: Buffer.from(file.content ?? '', 'utf8').toString('base64') } : file
  const filename = file.filename ?? file.name
  return { type: 'file', ...source(carried), ...(filename !== undefined && { filename }) }
}
