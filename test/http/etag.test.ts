import { describe, expect, it } from 'vitest'
import { etag, ifMatch, isKnown } from '../../src/http/etag.js'

const matching = (header?: string) => ifMatch(new Headers(header === undefined ? {} : { 'if-match': header }))
const known = (header?: string) => isKnown(new Headers(header === undefined ? {} : { 'if-none-match': header }), 'v1')

describe('ifMatch', () => {
  it('is the version that the client has seen', () => {
    expect(matching(etag('2026-04-24T20:15:00.250Z'))).toBe('2026-04-24T20:15:00.250Z')
    expect(matching('W/"v1"')).toBe('v1')
    expect(matching('v1')).toBe('v1')
  })

  it('is nothing without the header, or when any version will do', () => {
    expect([matching(), matching('*')]).toEqual([undefined, undefined])
  })

  it('is a version that nothing has when the header holds none', () => {
    expect([matching('""'), matching('"'), matching(',')]).toEqual(['', '', ''])
  })
})

describe('isKnown', () => {
  it('finds the version among those that the client has', () => {
    expect(['"v1"', 'W/"v1"', '"v0", "v1"', '*'].map(known)).toEqual([true, true, true, true])
    expect([known(), known('"v2"'), known('')]).toEqual([false, false, false])
  })
})
