import { randomHex } from './random-hex.js'

/**
 * Fields and files as one body. Not by `FormData`, which makes every line break of a text CR LF: the same message would
 * be another one with a file than without.
 */
export function multipart(
  fields: Readonly<Record<string, unknown>>,
  files: readonly Blob[],
): { type: string; content: Blob } {
  const boundary = `agentos-${randomHex(16)}`
  const parts: (string | Blob)[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`, text, '\r\n')
  }
  for (const file of files) {
    const filename = 'name' in file && typeof file.name === 'string' ? file.name : 'file'
    parts.push(
      `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="${escaped(filename)}"\r\n` +
        `Content-Type: ${file.type || 'application/octet-stream'}\r\n\r\n`,
      file,
      '\r\n',
    )
  }
  parts.push(`--${boundary}--\r\n`)
  return { type: `multipart/form-data; boundary=${boundary}`, content: new Blob(parts) }
}

function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
