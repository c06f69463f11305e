import * as fc from 'fast-check'

/** Texts that break things: control characters, halves of letters, names of prototypes, numbers, and very long ones. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '\u0000',
    'a\u0000b',
    '\uD800',
    'x\uDC00y',
    '\uD83D',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '../../etc/passwd',
    "'; DROP TABLE runs; --",
    '%00',
    '%',
    '\u2028\u2029\u0085',
    '\uFEFF',
    'null',
    'undefined',
    'NaN',
    '{"a":1}',
    '[1]',
    '"text"',
    '1e400',
    '-0',
    '18446744073709551616',
    '🌍👩‍👩‍👧',
    'ﷺ'.repeat(300),
    'x'.repeat(300),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.nat(400_000).map((length) => 'long '.repeat(Math.ceil(length / 5))),
)

/** Any JSON, as text, so that keys and numbers come through as they are written. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'json' },
    fc.constantFrom('null', 'true', 'false', '0', '-0', '1e400', '1.5', '18446744073709551616', '""', '[]', '{}'),
    oddText.map((text) => JSON.stringify(text)),
    fc.integer().map(String),
    tie('object'),
    fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'json' }).map((items) => `[${items.join(',')}]`),
  ),
  object: objectText(tie('value')),
})).value

export const jsonObjectText: fc.Arbitrary<string> = objectText(jsonText)

function objectText(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const key = fc.oneof(
    fc.constantFrom('a', 'b', '__proto__', 'constructor', 'prototype', 'toString', '', '1', '0', 'current_run_id'),
    fc.string({ unit: 'binary', maxLength: 10 }),
  )
  return fc
    .uniqueArray(fc.tuple(key, value), { maxLength: 5, selector: ([name]) => name, depthIdentifier: 'json' })
    .map((entries) => `{${entries.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`)
}

/** JSON that is nested as deep as is taken, or deeper. */
export const deepText: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(20, 90, 101, 5_000, 100_000), fc.constantFrom(['[', ']'], ['{"a":', '}']))
  .map(([depth, [open, close]]) => `${open.repeat(depth)}1${close.repeat(depth)}`)

/** A value that a field may well have, and now and then one that it should not: a body has many fields. */
export function mostly(usual: fc.Arbitrary<string>, weight = 25): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: usual, weight }, { arbitrary: fc.oneof(jsonText, deepText), weight: 1 })
}

/** An object of some of these fields, as text. */
export function bodyText(fields: Record<string, fc.Arbitrary<string>>, required: string[] = []): fc.Arbitrary<string> {
  const names = Object.keys(fields)
  const entries = names.map((name) =>
    fc.option(fields[name]!, { nil: undefined, freq: required.includes(name) ? 12 : 2 }),
  )
  return fc.tuple(...entries).map((texts) => {
    const present = texts.flatMap((text, at) => (text === undefined ? [] : [`${JSON.stringify(names[at])}:${text}`]))
    return `{${present.join(',')}}`
  })
}

export const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => text.map((one) => JSON.stringify(one))

export const booleanText: fc.Arbitrary<string> = fc.constantFrom('true', 'false', '"yes"', '"0"', '""', '1')

/** A query: these parameters with values that fit or do not, and some that nobody knows. */
export function query(parameters: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<string> {
  const known = Object.entries(parameters).map(([name, value]) => fc.tuple(fc.constant(name), fc.oneof(value, oddText)))
  const pair = fc
    .oneof(...known, fc.tuple(oddText, oddText))
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
  const raw = fc.constantFrom('%', '%zz=%f', '&&==', '?a', '%ff%fe=1', '__proto__[a]=1', 'limit[]=1', 'limit=%00')
  return fc.array(fc.oneof({ arbitrary: pair, weight: 6 }, raw), { maxLength: 4 }).map((parts) => parts.join('&'))
}

/** What stands between two slashes of a path. */
export const segment: fc.Arbitrary<string> = fc.oneof(
  oddText.filter((text) => text.length < 400).map(encoded),
  fc.constantFrom(
    '%',
    '%zz',
    '%00',
    '%ED%A0%80',
    '..%2f..',
    '%2e%2e',
    '*',
    ':',
    '~',
    ';a=b',
    '%C0%AE',
    'a'.repeat(3_000),
  ),
)

function encoded(text: string): string {
  // Half a letter can't be percent-encoded: its bytes are, as a client with a fault would send them.
  return Array.from(text, (letter) => (letter.isWellFormed() ? encodeURIComponent(letter) : '%ED%A0%80'))
    .join('')
    .slice(0, 1_500)
}
