import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeText, foldText, unescapeText } from '../../src/storage/mikro-orm/text.js'

/** Any sequence of UTF-16 units, with what databases can't hold more often than by chance. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0x5c, 0x75, 0xd800, 0xdfff)))
  .map((units) => String.fromCharCode(...units))

describe('text for a database', () => {
  it('comes back as it was', () => {
    fc.assert(fc.property(anyText, (text) => unescapeText(escapeText(text)) === text))
  })

  it('holds neither NUL nor lone surrogates', () => {
    fc.assert(
      fc.property(anyText, (text) =>
        [escapeText(text), foldText(text)].every((held) => held.isWellFormed() && !held.includes('\0')),
      ),
    )
  })

  it('stays readable', () => {
    expect(escapeText("It's ÜBER 👩‍👩‍👧 100%")).toBe("It's ÜBER 👩‍👩‍👧 100%")
    expect(escapeText('a\\b\0')).toBe(String.raw`a\u005cb\u0000`)
  })
})
