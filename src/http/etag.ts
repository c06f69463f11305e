/** The version of a record as the `ETag` header spells it. */
export function etag(version: string): string {
  return `"${version}"`
}

/** The version that `If-Match` asks for; undefined when any will do. Of several the first counts. */
export function ifMatch(headers: Headers): string | undefined {
  const header = headers.get('if-match')
  return header === null || header.trim() === '*' ? undefined : (versionsIn(header)[0] ?? '')
}

/** Whether `If-None-Match` names this version: the client has it already. */
export function isKnown(headers: Headers, version: string): boolean {
  const header = headers.get('if-none-match')
  return header !== null && (header.trim() === '*' || versionsIn(header).includes(version))
}

/** Quotes and the mark of a weak tag, which proxies add when they compress, are no part of the version. */
function versionsIn(header: string): string[] {
  return Array.from(header.matchAll(/(?:W\/)?"([^"]*)"|([^\s,"]+)/g), ([, quoted, bare]) => quoted ?? bare ?? '')
}
