import { codeName, wireName } from '../http/wire-names.js'
import { connectionFailed, refusalOf, unexpectedResponse } from './client-error.js'
import { operations } from './contract.js'
import { fromWire, toWire } from './form.js'
import type { Form } from './form.js'
import { multipart } from './multipart.js'
import { settingsOf } from './options.js'
import type { AgentOSClientOptions, Settings } from './options.js'
import { retrying } from './retry.js'

export type OperationName = keyof typeof operations

interface Operation {
  readonly method: string
  readonly path: string
  readonly body?: Form
  readonly answers?: Readonly<Record<string, Form>>
}

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name
type InPath<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? CamelCase<Name> | InPath<Rest> : never

/** The names of an operation's path parameters, as code spells them. */
export type ParamsOf<Name extends OperationName> = Readonly<Record<InPath<(typeof operations)[Name]['path']>, string>>

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** One request, spelled as in code. */
export interface Call<Name extends OperationName> {
  params: ParamsOf<Name>
  /** A list is written with commas; what is undefined is left out. */
  query?: Query
  body?: object
  /** Sent along with the body, as multipart. */
  files?: readonly Blob[]
  headers?: Readonly<Record<string, string | undefined>>
  signal?: AbortSignal
  /** May be sent again when it is not known what became of it. Default: when it only reads. */
  isRepeatable?: boolean
}

/** An answer and the headers that came with it. */
export interface Answer {
  value: unknown
  headers: Headers
}

/** Sends requests by the names of their operations, and spells bodies and answers. */
export class Transport {
  readonly settings: Settings
  private readonly base: string

  constructor(private readonly options: AgentOSClientOptions) {
    this.settings = settingsOf(options)
    this.base = String(options.baseUrl).replace(/\/+$/, '')
  }

  /** @throws AgentOSClientError; the signal's reason when that aborts. */
  async call<Name extends OperationName>(name: Name, call: Call<Name>): Promise<Answer> {
    const { method, answers = {} } = operations[name] as Operation
    const attempt = async (): Promise<Answer> => {
      const response = await this.send(name, call, 'application/json')
      if (response.status === 204) return { value: undefined, headers: response.headers }
      const text = await response.text().catch((error: unknown) => {
        throw connectionFailed(error)
      })
      return { value: fromWire(answers[response.status], parse(text, response)), headers: response.headers }
    }
    const isRepeatable = call.isRepeatable ?? method === 'GET'
    return isRepeatable ? retrying(attempt, this.settings.retry, call.signal) : attempt()
  }

  /** The response to one try. */
  async send<Name extends OperationName>(name: Name, call: Call<Name>, accept: string): Promise<Response> {
    const operation = operations[name] as Operation
    const { signal } = call
    const headers = new Headers(this.options.headers)
    headers.set('accept', accept)
    for (const [header, value] of Object.entries(call.headers ?? {}))
      if (value !== undefined) headers.set(header, value)
    const token = await this.token()
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    const body = bodyOf(operation, call)
    if (body) headers.set('content-type', body.type)
    const init: RequestInit = { method: operation.method, headers, signal: signal ?? null, body: body?.content ?? null }
    // Not every platform knows it, so it is not there unless it is asked for.
    if (this.options.credentials !== undefined) init.credentials = this.options.credentials
    const url = `${this.base}${pathOf(operation.path, call.params)}${queryOf(call.query)}`
    try {
      // Called by its name at the time: a page may have replaced it meanwhile, and as a method it would not work.
      const response = await (this.options.fetch ? this.options.fetch(url, init) : fetch(url, init))
      if (response.status >= 400) throw await refusalOf(response)
      return response
    } catch (error) {
      signal?.throwIfAborted()
      throw connectionFailed(error)
    }
  }

  private async token(): Promise<string | undefined> {
    const { token } = this.options
    return typeof token === 'function' ? token() : token
  }
}

function bodyOf({ body: form }: Operation, { body, files }: Pick<Call<never>, 'body' | 'files'>) {
  if (body === undefined) return undefined
  const wire = toWire(form, body) as Record<string, unknown>
  if (files?.length) return multipart(wire, files)
  return { type: 'application/json', content: JSON.stringify(wire) }
}

function pathOf(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[codeName(name)]
    // A URL that holds one of these as a segment is another URL.
    if (value === undefined || value === '' || value === '.' || value === '..') {
      throw new TypeError(`${codeName(name)} is ${JSON.stringify(value)}, which no path can hold.`)
    }
    return encodeURIComponent(value)
  })
}

function queryOf(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${wireName(key)}=${encodeURIComponent(textOf(value))}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** A list without items is a comma, since an empty text counts as absent. */
function textOf(value: NonNullable<Query[string]>): string {
  return Array.isArray(value) && value.length === 0 ? ',' : String(value)
}

function parse(text: string, response: Response): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw unexpectedResponse(response, 'JSON', error)
  }
}
