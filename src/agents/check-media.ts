import { ValidationError } from '../core/errors.js'
import { checkUrl } from '../core/safe-target.js'

interface Given {
  url?: string
  filepath?: string
  content?: string
  mimeType?: string
}

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/
const KINDS = ['images', 'audio', 'audios', 'videos', 'files'] as const

/**
 * Checks that each medium says in one way where its bytes are, so that a model can be given it.
 *
 * @param allowedHosts those that need not be on the public internet; left out where the program names the URLs itself.
 * @throws ValidationError `VALIDATION_ERROR`; `MEDIA_PATH_FORBIDDEN` for a path: what lies on the server's disk is not
 *   a caller's to name; `URL_FORBIDDEN` for a URL that says by itself that it leads into a private network.
 */
export function checkMedia(
  given: { [Kind in (typeof KINDS)[number]]?: readonly Given[] },
  allowedHosts?: readonly string[],
): void {
  for (const kind of KINDS) {
    given[kind]?.forEach((medium, index) => checkOne(medium, `${kind}.${index}`, kind, allowedHosts))
  }
}

function checkOne(
  medium: Given,
  path: string,
  kind: (typeof KINDS)[number],
  allowedHosts: readonly string[] | undefined,
): void {
  const { url, filepath, content, mimeType } = medium
  if (filepath !== undefined) {
    throw refused('MEDIA_PATH_FORBIDDEN', `${path}.filepath`, 'Files of the server are not taken; send content or url')
  }
  if ((url === undefined) === (content === undefined)) {
    throw refused('VALIDATION_ERROR', path, 'Exactly one of url and content is needed')
  }
  if (url !== undefined && !/^https?:\/\//i.test(url)) {
    throw refused('VALIDATION_ERROR', `${path}.url`, 'Must be an http or https URL')
  }
  // It is the model's server that fetches it, and that may stand where private addresses lead somewhere.
  if (url !== undefined && allowedHosts) checkUrl(url, { allowedHosts })
  const isText = kind === 'files' && mimeType?.startsWith('text/')
  if (content !== undefined && !isText && !BASE64.test(content)) {
    throw refused('VALIDATION_ERROR', `${path}.content`, 'Must be base64')
  }
}

function refused(code: string, path: string, message: string): ValidationError {
  return new ValidationError(code, `The request is not valid. ${path}: ${message}.`, [{ path, message }])
}
