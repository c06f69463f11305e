/**
 * The path below the mount, or nothing when the request is not below it.
 *
 * @param url the request target as the client sent it
 */
export function pathBelow(basePath: string, url: string): string | undefined {
  const path = pathOf(url)
  if (basePath === '') return path
  if (!path.startsWith(basePath)) return undefined
  if (path.length === basePath.length) return '/'
  return path.charCodeAt(basePath.length) === 47 ? path.slice(basePath.length) : undefined
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  const path = end === -1 ? url : url.slice(0, end)
  if (/^https?:\/\//i.test(path)) return URL.canParse(path) ? new URL(path).pathname : path
  // The platform resolves these when it parses a URL. Whose path it is has to be decided on what comes of it.
  return path.startsWith('/') && /\\|\/\.|%2e/i.test(path) ? new URL(`http://host${path}`).pathname : path
}
