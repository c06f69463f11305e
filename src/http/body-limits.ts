/** How much of a request is taken before it is refused. */
export interface BodyLimits {
  /** Bytes of a multipart request. */
  requestBytes: number
  /** Bytes of one uploaded file. */
  fileBytes: number
  /** Bytes of a JSON or urlencoded request. */
  jsonBytes: number
  /** Levels of arrays and objects in JSON. */
  jsonDepth: number
  /** Parts of a multipart request, fields of an urlencoded one, parameters of a query. */
  fields: number
  /** Characters of a field's name or a file's in a form. */
  nameLength: number
  /** Characters of the URL. */
  urlLength: number
}

const MEBIBYTE = 1024 * 1024

export const defaultBodyLimits: BodyLimits = {
  requestBytes: 100 * MEBIBYTE,
  fileBytes: 25 * MEBIBYTE,
  jsonBytes: 10 * MEBIBYTE,
  jsonDepth: 100,
  fields: 1000,
  nameLength: 255,
  urlLength: 16 * 1024,
}

/** A number of bytes for people: `25 MiB`. */
export function showBytes(bytes: number): string {
  return bytes >= MEBIBYTE ? `${Math.round((bytes / MEBIBYTE) * 10) / 10} MiB` : `${bytes} bytes`
}
