import { BadRequestError, PayloadTooLargeError, ValidationError } from '../core/errors.js'
import type { UploadedFile } from './body-fields.js'
import { showBytes } from './body-limits.js'
import type { BodyLimits } from './body-limits.js'

export interface MultipartBody {
  fields: Map<string, string[]>
  files: UploadedFile[]
}

/** The fields and files of a multipart body that was read within its limit. */
export async function parseMultipart(
  bytes: Uint8Array,
  contentType: string,
  uploads: readonly string[],
  limits: BodyLimits,
): Promise<MultipartBody> {
  refuseManyParts(bytes, contentType, limits)
  const form = await platformFormData(bytes, contentType)
  const body: MultipartBody = { fields: new Map(), files: [] }
  for (const [name, value] of form) {
    checkName(name, limits)
    if (typeof value === 'string') {
      const values = body.fields.get(name)
      if (values) values.push(value)
      else body.fields.set(name, [value])
    } else if (value.size > 0 || value.name !== '') {
      // A file input that was left empty is sent as a nameless file of no bytes.
      body.files.push(await upload(name, value, uploads, limits))
    }
  }
  return body
}

async function upload(
  field: string,
  file: File,
  uploads: readonly string[],
  limits: BodyLimits,
): Promise<UploadedFile> {
  checkName(file.name, limits)
  if (!uploads.includes(field)) {
    const message = 'Files are not taken in this field'
    throw new ValidationError('VALIDATION_ERROR', `The request is not valid. ${field}: ${message}.`, [
      { path: field, message },
    ])
  }
  if (file.size > limits.fileBytes) {
    throw new PayloadTooLargeError(
      'PAYLOAD_TOO_LARGE',
      `The file "${file.name}" has ${file.size} bytes; at most ${showBytes(limits.fileBytes)} are taken.`,
    )
  }
  const mimeType = file.type.split(';', 1)[0]!.trim().toLowerCase()
  return { field, filename: file.name, mimeType, bytes: new Uint8Array(await file.arrayBuffer()) }
}

/** @throws ValidationError when a field's or a file's name is longer than is taken. */
export function checkName(name: string, { nameLength }: BodyLimits): void {
  if (name.length <= nameLength) return
  const message = `A name in the form has ${name.length} characters; at most ${nameLength} are taken`
  throw new ValidationError('VALIDATION_ERROR', `The request is not valid. ${message}.`, [{ path: '', message }])
}

/** Counts boundaries before anything is parsed, so that a body of a million tiny parts costs no million objects. */
function refuseManyParts(bytes: Uint8Array, contentType: string, limits: BodyLimits): void {
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  if (!boundary) throw new BadRequestError('MALFORMED_BODY', 'The multipart body has no boundary in its Content-Type.')
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const needle = Buffer.from(`--${boundary[1] ?? boundary[2]!}`)
  let parts = 0
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + needle.length)) {
    if (++parts > limits.fields + 1) {
      throw new PayloadTooLargeError('PAYLOAD_TOO_LARGE', `The multipart body has more than ${limits.fields} parts.`)
    }
  }
}

async function platformFormData(bytes: Uint8Array, contentType: string): Promise<FormData> {
  try {
    return await new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': contentType } }).formData()
  } catch (error) {
    throw new BadRequestError('MALFORMED_BODY', 'The multipart body could not be parsed.', { cause: error })
  }
}
