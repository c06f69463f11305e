import { DOCUMENT_MIME_TYPES } from '../agents/log/media.js'
import { UnsupportedMediaTypeError, ValidationError } from '../core/errors.js'
import type { CreateRun } from '../runs/create-run.js'
import type { UploadedFile } from './body-fields.js'

type MediaKind = 'images' | 'audio' | 'videos' | 'files'

/** What is taken, by the ending of the name; `*` stands for the type of documents that clients are told. */
const BY_EXTENSION: Readonly<Record<string, { kind: MediaKind; mimeType: string }>> = {
  ...entries('images', 'image', { png: 'png', jpg: 'jpeg', jpeg: 'jpeg', gif: 'gif', webp: 'webp', bmp: 'bmp' }),
  ...entries('images', 'image', { tiff: 'tiff', tif: 'tiff', avif: 'avif', heic: 'heic', heif: 'heif' }),
  ...entries('audio', 'audio', { wav: 'wav', mp3: 'mpeg', ogg: 'ogg', m4a: 'mp4', aac: 'aac', flac: 'flac' }),
  ...entries('videos', 'video', { mp4: 'mp4', webm: 'webm', mov: 'quicktime', mpeg: 'mpeg', mpg: 'mpeg' }),
  ...entries('videos', 'video', { wmv: 'x-ms-wmv', flv: 'x-flv', '3gp': '3gpp' }),
  ...entries('files', 'application', { pdf: 'pdf', json: 'json', doc: 'msword', xls: 'vnd.ms-excel' }),
  ...entries('files', 'application', { ppt: 'vnd.ms-powerpoint', msg: 'vnd.ms-outlook' }),
  ...entries('files', 'text', { js: 'javascript', py: 'x-python', txt: 'plain', html: 'html', css: 'css' }),
  ...entries('files', 'text', { md: 'markdown', csv: 'csv', xml: 'xml', rtf: 'rtf' }),
  ...entries('files', 'application/vnd.openxmlformats-officedocument', {
    docx: 'wordprocessingml.document',
    pptx: 'presentationml.presentation',
    xlsx: 'spreadsheetml.sheet',
  }),
}

/** Other names under which clients send the same types. */
const SYNONYMS: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'audio/wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/mp3': 'audio/mpeg',
  'audio/x-m4a': 'audio/mp4',
  'audio/x-flac': 'audio/flac',
  'application/javascript': 'text/javascript',
  'application/xml': 'text/xml',
  'application/rtf': 'text/rtf',
  'text/x-markdown': 'text/markdown',
  'application/csv': 'text/csv',
}

const BY_TYPE = new Map<string, MediaKind>([
  ...Object.values(BY_EXTENSION).map(({ kind, mimeType }) => [mimeType, kind] as const),
  ...DOCUMENT_MIME_TYPES.map((type) => [type, 'files'] as const),
])

/**
 * Uploads sorted into images, audio, videos and documents.
 *
 * @throws UnsupportedMediaTypeError `UNSUPPORTED_MEDIA_TYPE`
 * @throws ValidationError `EMPTY_FILE`
 */
export function sortUploads(uploads: readonly UploadedFile[]): Pick<CreateRun, MediaKind> {
  const sorted: { [Kind in MediaKind]?: object[] } = {}
  for (const upload of uploads) {
    const { filename, bytes } = upload
    if (bytes.byteLength === 0) {
      throw new ValidationError('EMPTY_FILE', `The file "${filename}" is empty.`, [
        { path: upload.field, message: `"${filename}" is empty` },
      ])
    }
    const { kind, mimeType } = typeOf(upload)
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const content = data.toString(mimeType.startsWith('text/') ? 'utf8' : 'base64')
    const format = filename.includes('.') ? filename.slice(filename.lastIndexOf('.') + 1).toLowerCase() : undefined
    const named = kind === 'files' && { filename, size: bytes.byteLength, fileType: format }
    ;(sorted[kind] ??= []).push({ content, mimeType, ...(format !== undefined && { format }), ...named })
  }
  return sorted
}

function typeOf({ filename, mimeType }: UploadedFile): { kind: MediaKind; mimeType: string } {
  const isGeneric = mimeType === '' || mimeType === 'application/octet-stream'
  if (isGeneric) {
    const extension = filename.slice(filename.lastIndexOf('.') + 1).toLowerCase()
    const known = filename.includes('.') && Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined
    if (known) return known
  } else {
    const type = SYNONYMS[mimeType] ?? mimeType
    const kind = BY_TYPE.get(type)
    if (kind) return { kind, mimeType: type }
  }
  throw new UnsupportedMediaTypeError(
    'UNSUPPORTED_MEDIA_TYPE',
    `The file "${filename}" is of type "${mimeType}"; images, audio, videos and documents are taken, as /openapi.json lists them.`,
  )
}

function entries(kind: MediaKind, prefix: string, subtypes: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(subtypes).map(([extension, subtype]) => {
      const separator = prefix.includes('/') ? '.' : '/'
      return [extension, { kind, mimeType: `${prefix}${separator}${subtype}` }]
    }),
  )
}
