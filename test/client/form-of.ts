import { z } from 'zod'
import type { $ZodObject, $ZodType } from 'zod/v4/core'
import type { Form } from '../../src/client/form.js'
import { definitionOf } from '../../src/http/mapper.js'
import type { Route } from '../../src/http/route.js'
import { codeName, wireFields } from '../../src/http/wire-names.js'

/** Reads off schemas where in their values records are. Those with an id are kept once, under it. */
export class FormReader {
  readonly forms: Record<string, Form> = {}

  /** The form of a schema's values; undefined where they pass untouched. */
  of(schema: $ZodType): Form | undefined {
    const definition = definitionOf(schema)
    switch (definition.type) {
      case 'object':
        return this.named(schema, () => this.ofObject(schema as $ZodObject))
      case 'array': {
        const item = this.of(definition.element)
        return item === undefined ? undefined : [item]
      }
      case 'record': {
        const values = this.of(definition.valueType)
        return values === undefined ? undefined : { values }
      }
      case 'union':
        return this.named(schema, () => this.ofUnion(schema))
      case 'pipe':
        return this.of(definitionOf(definition.in).type === 'transform' ? definition.out : definition.in)
      case 'lazy':
        return this.of(definition.getter())
      case 'optional':
      case 'nullable':
      case 'nonoptional':
      case 'default':
      case 'prefault':
      case 'catch':
      case 'readonly':
        return this.of(definition.innerType)
      case 'tuple':
      case 'intersection':
        throw new Error(`Forms have no ${definition.type}s yet: teach src/client/form.ts about them.`)
      default:
        return undefined
    }
  }

  private named(schema: $ZodType, read: () => Form | undefined): Form | undefined {
    const id = z.globalRegistry.get(schema)?.id
    if (id === undefined) return read()
    if (!(id in this.forms)) {
      // A record that holds itself finds its own name.
      this.forms[id] = id
      const form = read()
      if (form === undefined) delete this.forms[id]
      else this.forms[id] = form
    }
    return id in this.forms ? id : undefined
  }

  private ofObject(schema: $ZodObject): Form {
    const fields: Record<string, Form> = {}
    const declared: string[] = []
    for (const { key, wire, schema: field } of wireFields(schema)) {
      if (codeName(wire) !== key) throw new Error(`The key "${key}" does not come back from "${wire}".`)
      declared.push(wire)
      const form = this.of(field)
      if (form !== undefined) fields[wire] = form
    }
    const { catchall } = schema._zod.def
    const isLoose = catchall !== undefined && definitionOf(catchall).type !== 'never'
    return isLoose ? { fields, declared } : { fields }
  }

  private ofUnion(schema: $ZodType): Form | undefined {
    const definition = definitionOf(schema)
    if (definition.type !== 'union') return undefined
    if ('discriminator' in definition) {
      const by = definition.discriminator as string
      const entries = definition.options.flatMap((option) => {
        const form = this.inline(option)
        if (form === undefined || isPlain(form)) return []
        return Array.from(option._zod.propValues?.[by] ?? [], (value) => [String(value), form] as const)
      })
      return { by, of: Object.fromEntries(entries) }
    }
    const options = definition.options.map((option) => this.inline(option)).filter((form) => form !== undefined)
    if (options.length === 0) return undefined
    return areAlike(options) ? options.reduce(merged) : { having: this.marks(definition.options) }
  }

  /** The form of each option, by a key that none of the others has. */
  private marks(options: readonly $ZodType[]): Record<string, Form> {
    const keys = options.map((option) => wireFields(option as $ZodObject).map(({ wire }) => wire))
    return Object.fromEntries(
      options.map((option, at) => {
        const mark = keys[at]!.find(
          (key) => key.endsWith('_id') && keys.every((other, to) => to === at || !other.includes(key)),
        )
        if (mark === undefined) throw new Error('The options of a union can not be told apart.')
        return [mark, this.inline(option) ?? { fields: {} }]
      }),
    )
  }

  /** An option of a union stands in the union's own form. */
  private inline(option: $ZodType): Form | undefined {
    return definitionOf(option).type === 'object' ? this.ofObject(option as $ZodObject) : this.of(option)
  }
}

/** What a client has to know of a route. */
export function operationOf(route: Route<never>, reader: FormReader) {
  const answers = Object.entries(route.response).flatMap(([status, spec]) => {
    const form = spec instanceof z.ZodType ? reader.of(spec) : undefined
    return form === undefined ? [] : [[status, form] as const]
  })
  const body = route.body && reader.of(route.body)
  const query = route.query && reader.of(route.query)
  if (query !== undefined && !isPlain(query)) throw new Error(`${route.operationId}: a query can't hold records.`)
  return {
    method: route.method.toUpperCase(),
    path: route.path,
    ...(body !== undefined && { body }),
    ...(answers.length > 0 && { answers: Object.fromEntries(answers) }),
  }
}

function isPlain(form: Form | undefined): boolean {
  return form === undefined || JSON.stringify(form) === '{"fields":{}}'
}

function areAlike(options: readonly Form[]): boolean {
  try {
    options.reduce(merged)
    return true
  } catch {
    return false
  }
}

/** Records that can't be told apart must agree on where records are in them. */
function merged(one: Form, other: Form): Form {
  if (JSON.stringify(one) === JSON.stringify(other)) return one
  if (!isFields(one) || !isFields(other)) throw new Error('The options of a union can not be told apart.')
  for (const [key, form] of Object.entries(other.fields)) {
    if (key in one.fields && JSON.stringify(one.fields[key]) !== JSON.stringify(form)) {
      throw new Error(`The options of a union differ in "${key}" and can not be told apart.`)
    }
  }
  return { fields: { ...one.fields, ...other.fields } }
}

function isFields(form: Form): form is { fields: Record<string, Form> } {
  return typeof form === 'object' && 'fields' in form && !('declared' in form)
}
