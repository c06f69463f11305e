export type Bindable = string | number | null | Uint8Array | readonly (string | number | null)[]

/** One SQL text. With a name, each connection prepares it once. */
export interface Statement {
  readonly name?: string
  readonly text: string
}

interface Result<Row> {
  rows: Row[]
}

/** The part of a connection of `pg` that is used here. */
export interface NativeClient {
  query<Row>(query: Statement & { values: readonly Bindable[] }): Promise<Result<Row>>
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown
  /** Lets the process end while the connection is open. */
  unref(): void
  on(event: 'notification', listener: (message: { channel: string; payload?: string }) => void): unknown
  /** Gives it back to the pool; with true, closes it. */
  release(destroy?: boolean): void
}

/** The part of a pool of `pg` that is used here: the one that MikroORM has made. */
export interface NativePool {
  readonly options: { types?: { setTypeParser(oid: number, parse: (text: string) => unknown): void } }
  connect(): Promise<NativeClient>
}

/**
 * Sends a statement. A NUL, which PostgreSQL has no place for, becomes U+FFFD, as the driver does with lone
 * surrogates: a text that can't be stored is found nowhere. JSON texts hold neither, and names are escaped.
 */
export async function send<Row>(client: NativeClient, statement: Statement, values: readonly Bindable[]) {
  const { rows } = await client.query<Row>({ ...statement, values: values.map(storable) })
  return rows
}

function storable(value: Bindable): Bindable {
  if (typeof value === 'string') return withoutNul(value)
  return Array.isArray(value) ? (value as (string | number | null)[]).map((one) => storable(one) as string) : value
}

export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
}
