/** One server-sent event. */
export interface SseFrame {
  event: string
  /** Of this frame alone: one that has none stands outside of the sequence. */
  id?: string
  data: string
}

/**
 * Reads server-sent events from bytes, however these are cut: in the middle of a letter, or between CR and LF.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseParser {
  // Takes the mark of byte order off at the start, and keeps halves of letters for the next call.
  private readonly decoder = new TextDecoder()
  /** What has come of a line that has not ended. In pieces, because putting a long line together again and again is slow. */
  private pieces: string[] = []
  /** A CR has ended a line, and the LF that may follow belongs to it. */
  private isAfterCr = false
  private event = ''
  private id: string | undefined
  private data: string[] = []

  /** The frames that these bytes complete. */
  push(bytes: Uint8Array): SseFrame[] {
    const text = this.decoder.decode(bytes, { stream: true })
    if (text === '') return []
    const frames: SseFrame[] = []
    let start = this.isAfterCr && text.startsWith('\n') ? 1 : 0
    this.isAfterCr = text.endsWith('\r')
    const ends = /\r\n?|\n/g
    ends.lastIndex = start
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      this.pieces.push(text.slice(start, end.index))
      const line = this.pieces.length === 1 ? this.pieces[0]! : this.pieces.join('')
      this.pieces = []
      start = ends.lastIndex
      const frame = this.take(line)
      if (frame) frames.push(frame)
    }
    if (start < text.length) this.pieces.push(text.slice(start))
    return frames
  }

  private take(line: string): SseFrame | undefined {
    if (line === '') return this.complete()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.event = value
    else if (field === 'id' && !value.includes('\0')) this.id = value
    return undefined
  }

  private complete(): SseFrame | undefined {
    const { event, id, data } = this
    this.event = ''
    this.id = undefined
    this.data = []
    if (data.length === 0) return undefined
    return { event: event || 'message', ...(id !== undefined && { id }), data: data.join('\n') }
  }
}
