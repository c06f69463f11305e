import { BadRequestError, PayloadTooLargeError, UnsupportedMediaTypeError } from '../core/errors.js'
import type { FieldReader, UploadedFile } from './body-fields.js'
import type { BodyLimits } from './body-limits.js'
import { isNestedTooDeep } from './json-depth.js'
import { checkName, parseMultipart } from './multipart.js'
import { readBytes } from './read-bytes.js'

/** What a route takes. */
export interface BodyPlan {
  fields: FieldReader
  /** Whether forms are taken beside JSON. */
  form: boolean
  uploads: readonly string[]
}

/** A body in the wire's spelling, before its schema was asked. */
export interface ReadBody {
  value: unknown
  files: readonly UploadedFile[]
}

const noFiles: readonly UploadedFile[] = Object.freeze([])

/** Reads a body of any type that the route takes into one plain value. A body of no bytes is an object without fields. */
export async function readBody(request: Request, plan: BodyPlan, limits: BodyLimits): Promise<ReadBody> {
  const contentType = request.headers.get('content-type') ?? ''
  const [essence = ''] = contentType.split(';', 1)
  const type = essence.trim().toLowerCase()
  if (type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type)) {
    const bytes = await readBytes(request, limits.jsonBytes)
    if (bytes.byteLength === 0) return { value: {}, files: noFiles }
    return { value: plan.fields.fromJson(parseJson(utf8(bytes, contentType), limits), plan.form), files: noFiles }
  }
  if (plan.form && type === 'application/x-www-form-urlencoded') {
    const text = utf8(await readBytes(request, limits.jsonBytes), contentType)
    return { value: plan.fields.fromForm(urlencoded(text, limits)), files: noFiles }
  }
  if (plan.form && type === 'multipart/form-data') {
    const bytes = await readBytes(request, limits.requestBytes)
    const { fields, files } = await parseMultipart(bytes, contentType, plan.uploads, limits)
    return { value: plan.fields.fromForm(fields), files }
  }
  if (request.body === null) return { value: {}, files: noFiles }
  // A client may stream no bytes at all; what it sends else is refused, so one byte is enough to know.
  const isEmpty = await readBytes(request, 0).then(
    () => true,
    (error: unknown) => {
      if (error instanceof PayloadTooLargeError) return false
      throw error
    },
  )
  if (isEmpty) return { value: {}, files: noFiles }
  const taken = plan.form
    ? 'application/json, application/x-www-form-urlencoded or multipart/form-data'
    : 'application/json'
  throw new UnsupportedMediaTypeError(
    'UNSUPPORTED_MEDIA_TYPE',
    `The content type ${type === '' ? 'is missing' : `"${type}" is not supported`}; send ${taken}.`,
  )
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function utf8(bytes: Uint8Array, contentType: string): string {
  const charset = /;\s*charset="?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase()
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new UnsupportedMediaTypeError(
      'UNSUPPORTED_MEDIA_TYPE',
      `The charset "${charset}" is not supported; send UTF-8.`,
    )
  }
  try {
    return decoder.decode(bytes)
  } catch (error) {
    throw new BadRequestError('MALFORMED_BODY', 'The request body is not valid UTF-8.', { cause: error })
  }
}

/**
 * JSON text of a client.
 *
 * @param where of what it is the text, such as `request body`.
 * @throws BadRequestError `MALFORMED_BODY`
 */
export function parseJson(text: string, { jsonDepth }: Pick<BodyLimits, 'jsonDepth'>, where = 'request body'): unknown {
  if (isNestedTooDeep(text, jsonDepth)) {
    throw new BadRequestError('MALFORMED_BODY', `The JSON in the ${where} is nested deeper than ${jsonDepth} levels.`)
  }
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new BadRequestError('MALFORMED_BODY', `The ${where} is not valid JSON.`, { cause: error })
  }
}

function urlencoded(text: string, limits: BodyLimits): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > limits.fields) {
      throw new PayloadTooLargeError('PAYLOAD_TOO_LARGE', `The form has more than ${limits.fields} fields.`)
    }
    checkName(name, limits)
    const values = fields.get(name)
    if (values) values.push(value)
    else fields.set(name, [value])
  }
  return fields
}
