import { describe, expect, it } from 'vitest'
import { parsedBody } from '../../adapters/parsed-body.js'
import type { ParsedRequest } from '../../adapters/parsed-body.js'
import { pathBelow } from '../../adapters/paths.js'

describe('pathBelow', () => {
  it.each([
    ['', '/a?b', '/a'],
    ['/os', '/os', '/'],
    ['/os', '/os?x', '/'],
    ['/os', '/os/', '/'],
    ['/os', '/os/a/b#c', '/a/b'],
    ['/os', '/osx/a', undefined],
    ['/os', '/a', undefined],
    ['/os', '/os/../a', undefined],
    ['/os', '/os/%2E%2e/a', undefined],
    ['/os', '/x/../os/a', '/a'],
    ['/os', '/os\\..\\a', undefined],
    ['/os', 'http://host/os/a?b', '/a'],
    ['', '*', '*'],
    ['', '//evil/a', '//evil/a'],
  ])('below %j, %j is %j', (basePath, url, path) => {
    expect(pathBelow(basePath, url)).toBe(path)
  })
})

describe('parsedBody', () => {
  const request = (type: string, rest: Partial<ParsedRequest>) =>
    ({ headers: { 'content-type': type, 'content-encoding': 'gzip', 'content-length': '9' }, ...rest }) as ParsedRequest
  const textOf = (incoming: ParsedRequest) => Buffer.from(parsedBody(incoming).body).toString()

  it('prefers the bytes that the host kept', () => {
    expect(textOf(request('application/json', { rawBody: Buffer.from('{"a":1.0}'), body: { a: 1 } }))).toBe('{"a":1.0}')
  })

  it('writes JSON again, and corrects the headers', () => {
    const { body, headers } = parsedBody(request('application/vnd.api+json; charset=utf-8', { body: { a: 'ü' } }))
    expect(Buffer.from(body).toString()).toBe('{"a":"ü"}')
    expect(headers).toEqual({ 'content-type': 'application/vnd.api+json; charset=utf-8', 'content-length': '10' })
  })

  it('writes a form again, nested fields too', () => {
    const body = { a: ['1', '2'], b: { c: 'x y', d: [{ e: '3' }] } }
    expect(decodeURIComponent(textOf(request('application/x-www-form-urlencoded', { body })))).toBe(
      'a=1&a=2&b[c]=x+y&b[d][0][e]=3',
    )
  })

  it('says so when the host kept nothing', () => {
    expect(() => parsedBody(request('multipart/form-data', {}))).toThrow(/multipart\/form-data.*rawBody/s)
  })
})
