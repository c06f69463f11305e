/** The text of a message; anything else as JSON. */
export function textOf(message: { content?: unknown } | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : JSON.stringify(content)
}
