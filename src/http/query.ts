import { z } from 'zod'

/** A whole number; a bound out of range is 422, never clipped. Fits path parameters too. */
export function queryInt(min: number, max: number): z.ZodType<number>
export function queryInt(min: number, max: number, defaultValue: number): z.ZodType<number, number | undefined>
export function queryInt(min: number, max: number, defaultValue?: number): z.ZodType<number> {
  const parsed = z.preprocess(textToNumber, z.number().int().min(min).max(max))
  return defaultValue === undefined ? parsed : parsed.default(defaultValue)
}

/** `true/false/1/0/yes/no/on/off` in any case. */
export function queryBoolean(): z.ZodType<boolean>
export function queryBoolean(defaultValue: boolean): z.ZodType<boolean, boolean | undefined>
export function queryBoolean(defaultValue?: boolean): z.ZodType<boolean> {
  const parsed = z.preprocess(textToBoolean, z.boolean({ error: 'must be true or false' }))
  return defaultValue === undefined ? parsed : parsed.default(defaultValue)
}

/** Epoch seconds or ISO 8601, given on as ISO 8601 in UTC. Fits JSON bodies too. */
export function queryTime(): z.ZodType<string> {
  return z
    .preprocess(toIsoTime, z.string({ error: 'must be epoch seconds or an ISO 8601 time' }))
    .meta({ type: ['string', 'number'], description: 'Epoch seconds or ISO 8601.', examples: ['2026-04-24T20:15:00Z'] })
}

/** Values of an enumeration with commas between them, or as a repeated parameter; in any case. */
export function commaList<const Value extends string>(values: readonly [Value, ...Value[]]): z.ZodType<Value[]> {
  return z.preprocess(splitAtCommas, z.array(z.preprocess(toLowerCase, z.enum(values))))
}

/** Any values with commas between them, or as a repeated parameter. */
export function commaStrings(max = 1000): z.ZodType<string[]> {
  return z.preprocess(splitAtCommas, z.array(z.string()).max(max))
}

/** A parameter that may be repeated; commas belong to the value. */
export function repeated<Item extends z.ZodType>(item: Item, max = 1000): z.ZodType<z.output<Item>[]> {
  return z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(item).max(max))
}

/** One value of an enumeration, in any case. */
export function queryEnum<const Value extends string>(values: readonly [Value, ...Value[]]): z.ZodType<Value> {
  return z.preprocess(toLowerCase, z.enum(values))
}

/** `"20"` as 20; what is no plain decimal number stays as it is, for the schema to refuse. */
export function textToNumber(value: unknown): unknown {
  return typeof value === 'string' && /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(value.trim()) ? Number(value) : value
}

const booleans = new Map([
  ...['true', '1', 'yes', 'on'].map((text) => [text, true] as const),
  ...['false', '0', 'no', 'off'].map((text) => [text, false] as const),
])

/** `"yes"` as true; other text stays as it is, for the schema to refuse. */
export function textToBoolean(value: unknown): unknown {
  return typeof value === 'string' ? (booleans.get(value.trim().toLowerCase()) ?? value) : value
}

const LAST_SECOND = 253_402_300_799

function toIsoTime(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const seconds = textToNumber(value)
  if (typeof seconds === 'number') {
    return Math.abs(seconds) <= LAST_SECOND ? new Date(seconds * 1000).toISOString() : undefined
  }
  // A "+" of an offset that was not percent-encoded has become a space on its way.
  const text = String(value)
    .trim()
    .replace(/(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$/, '$1+$2')
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/i.exec(text)
  if (!parts) return undefined
  const [, day, time = '00:00', offset = 'Z'] = parts
  const milliseconds = Date.parse(
    `${day}T${time}${offset.replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = '00') => `${hours}:${String(minutes)}`)}`,
  )
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString()
}

function splitAtCommas(value: unknown): unknown {
  const texts = typeof value === 'string' ? [value] : value
  if (!Array.isArray(texts)) return value
  return texts.flatMap((text: unknown) =>
    typeof text === 'string'
      ? text
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : [text],
  )
}

function toLowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}
