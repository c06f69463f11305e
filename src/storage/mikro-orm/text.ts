/**
 * Text that any database can hold, from which {@link unescapeText} makes the same again: NUL ends a text for SQLite's
 * functions and is refused by PostgreSQL, and UTF-8 has no lone surrogates. Ordinary text stays as it is.
 */
export function escapeText(text: string): string {
  if (text.isWellFormed() && !/[\0\\]/.test(text)) return text
  return text.replace(/[\0\\]|\p{Surrogate}/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function unescapeText(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\u([0-9a-f]{4})/g, (_match, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** How a text is searched and sorted: in lower case, with a stand-in for what a database can't hold. */
export function foldText(text: string): string {
  return text.toLowerCase().toWellFormed().replaceAll('\0', '\uFFFD')
}
