import { codeName, wireName } from '../http/wire-names.js'
import { forms } from './contract.js'

/**
 * Where the records of a value are. Keys of a record are camelCase in code and snake_case on the wire; a value that
 * no form is given for is JSON that belongs to the user, or a plain text or number, and passes untouched.
 */
export type Form =
  /** One of `forms`. */
  | string
  /** A list of values of one form. */
  | readonly [Form]
  /** A record: its fields that hold records. Of one with `declared` only these keys are renamed, the rest is the user's. */
  | { readonly fields: Readonly<Record<string, Form>>; readonly declared?: readonly string[] }
  /** An object by keys of the user. */
  | { readonly values: Form }
  /** Records told apart by one of their fields. */
  | { readonly by: string; readonly of: Readonly<Record<string, Form>> }
  /** Records told apart by a field that only one of them has. */
  | { readonly having: Readonly<Record<string, Form>> }

/** A value as the wire spells it. */
export function toWire(form: Form | undefined, value: unknown): unknown {
  return mapped(form, value, encoding)
}

/** A value from the wire as code spells it. */
export function fromWire(form: Form | undefined, value: unknown): unknown {
  return mapped(form, value, decoding)
}

interface Direction {
  renamed(key: string): string
  /** How a key is spelled in forms. */
  wire(key: string): string
  /** How a field of a form is spelled in the value that comes in. */
  given(field: string): string
}

const encoding: Direction = { renamed: wireName, wire: wireName, given: codeName }
const decoding: Direction = { renamed: codeName, wire: (key) => key, given: (field) => field }

const PLAIN_RECORD: Form = { fields: {} }

function mapped(form: Form | undefined, value: unknown, direction: Direction): unknown {
  if (form === undefined || typeof value !== 'object' || value === null) return value
  if (typeof form === 'string') return mapped(forms[form], value, direction)
  if (isList(form)) return Array.isArray(value) ? value.map((item) => mapped(form[0], item, direction)) : value
  if (Array.isArray(value)) return value
  if ('values' in form) return changed(value, (key, field) => [key, mapped(form.values, field, direction)])
  if ('by' in form) {
    const kind = String((value as Record<string, unknown>)[direction.given(form.by)])
    return mapped(own(form.of, kind) ?? PLAIN_RECORD, value, direction)
  }
  if ('having' in form) {
    const mark = Object.keys(form.having).find((field) => Object.hasOwn(value, direction.given(field)))
    return mapped(mark === undefined ? PLAIN_RECORD : form.having[mark], value, direction)
  }
  const { fields, declared } = form
  return changed(value, (key, field) => {
    const wire = direction.wire(key)
    if (declared && !declared.includes(wire)) return declared.map(codeName).includes(key) ? undefined : [key, field]
    return [direction.renamed(key), mapped(own(fields, wire), field, direction)]
  })
}

function isList(form: Form): form is readonly [Form] {
  return Array.isArray(form)
}

function own(fields: Readonly<Record<string, Form>>, key: string): Form | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

/** Built from entries, so that a key `__proto__` of the user stays a key. */
function changed(value: object, change: (key: string, field: unknown) => [string, unknown] | undefined): object {
  const entries: [string, unknown][] = []
  for (const [key, field] of Object.entries(value)) {
    const entry = change(key, field)
    if (entry) entries.push(entry)
  }
  return Object.fromEntries(entries)
}
