import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SseParser } from '../../src/client/sse-parser.js'
import type { SseFrame } from '../../src/client/sse-parser.js'

const encoder = new TextEncoder()

function parse(pieces: readonly Uint8Array[]): SseFrame[] {
  const parser = new SseParser()
  return pieces.flatMap((piece) => parser.push(piece))
}

/** The same bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...ends].map((start, at) => bytes.subarray(start, ends[at] ?? bytes.length))
}

const lineText = fc
  .string({ unit: 'binary', maxLength: 12 })
  .map((text) => text.toWellFormed().replaceAll(/[\r\n]/g, ''))
const lineEnd = fc.constantFrom('\n', '\r', '\r\n')
const noise = fc.oneof(
  lineText.map((text) => `:${text}`),
  fc.constantFrom(': heartbeat', 'retry: 10', 'unknown: x', 'dataa: x', ':'),
)
const frame = fc.record({
  event: fc.option(
    lineText.filter((text) => text !== ''),
    { nil: undefined },
  ),
  id: fc.option(
    lineText.filter((text) => !text.includes('\0')),
    { nil: undefined },
  ),
  data: fc.array(lineText, { minLength: 1, maxLength: 3 }),
  noise: fc.array(noise, { maxLength: 3 }),
})

/** Frames as a server may write them, and what is to be read. */
const stream = fc
  .record({
    frames: fc.array(frame, { maxLength: 6 }),
    ends: fc.infiniteStream(lineEnd),
    places: fc.array(fc.nat(), { maxLength: 20 }),
    hasMark: fc.boolean(),
    rest: fc.constantFrom('', 'data: cut off', 'event: x\ndata: y\n'),
  })
  .map(({ frames, ends, places, hasMark, rest }) => {
    const lines = frames.flatMap(({ event, id, data, noise: between }) => [
      ...between,
      ...(event === undefined ? [] : [`event: ${event}`]),
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...data.map((text) => `data: ${text}`),
      '',
    ])
    // A line that ends with CR and an empty line that ends with LF would be one end.
    let text = hasMark ? '\uFEFF' : ''
    for (const line of lines) {
      const end = ends.next().value
      text += line + (line === '' && end === '\n' && text.endsWith('\r') ? '\r\n' : end)
    }
    const wanted = frames.map(({ event, id, data }) => ({
      event: event ?? 'message',
      ...(id !== undefined && { id }),
      data: data.join('\n'),
    }))
    return { bytes: encoder.encode(text + (text.endsWith('\r') && rest === '' ? '' : `\n${rest}`)), places, wanted }
  })

describe('SseParser', () => {
  it('reads what was written, wherever the bytes are cut and however lines end', () => {
    fc.assert(
      fc.property(stream, ({ bytes, places, wanted }) => {
        expect(parse(cut(bytes, places))).toEqual(wanted)
      }),
      { numRuns: 2_000 },
    )
  })

  it('reads the same byte by byte', () => {
    fc.assert(
      fc.property(stream, ({ bytes, wanted }) => {
        expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(wanted)
      }),
      { numRuns: 300 },
    )
  })

  it('gives a frame with the byte that ends it', () => {
    const parser = new SseParser()
    expect(parser.push(encoder.encode('data: 1\r\n\r'))).toEqual([{ event: 'message', data: '1' }])
    expect(parser.push(encoder.encode('\ndata: 2\n'))).toEqual([])
    expect(parser.push(encoder.encode('\n'))).toEqual([{ event: 'message', data: '2' }])
  })

  it('reads any bytes without an error', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => void parse(pieces)))
  })

  it('reads a line of 20 MB in pieces without putting it together again and again', () => {
    const piece = encoder.encode('x'.repeat(4096))
    const parser = new SseParser()
    const before = performance.now()
    parser.push(encoder.encode('data: '))
    for (let count = 0; count < 5_000; count++) parser.push(piece)
    expect(parser.push(encoder.encode('\n\n'))[0]?.data).toHaveLength(5_000 * 4096)
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})
