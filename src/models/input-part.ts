import type { InputPart } from './model.js'
import { ModelError } from './model-error.js'

/** The part's bytes as a `data:` URL. */
export function dataUrl(part: Exclude<InputPart, { type: 'text' }>, defaultMimeType: string): string {
  return `data:${part.mimeType ?? defaultMimeType};base64,${partData(part)}`
}

/** The part's bytes in base64. */
export function partData(part: Exclude<InputPart, { type: 'text' }>): string {
  if (part.data === undefined) throw unsupportedPart(`An input part of type "${part.type}" needs url or data.`)
  return part.data
}

/** The image's level of detail, in OpenAI's words: it knows no `medium`. */
export function imageDetail(part: Extract<InputPart, { type: 'image' }>): 'low' | 'high' | 'auto' {
  return part.detail === 'low' || part.detail === 'high' ? part.detail : 'auto'
}

/** The error for input that a model or a protocol does not take. */
export function unsupportedPart(message: string): ModelError {
  return new ModelError('invalid_request', message)
}
