export type Bindable = string | number | bigint | null | Uint8Array

/** The part of better-sqlite3's statements that is used here. */
export interface Statement<Parameters extends Bindable[], Row> {
  run(...parameters: Parameters): { changes: number; lastInsertRowid: number | bigint }
  get(...parameters: Parameters): Row | undefined
  all(...parameters: Parameters): Row[]
}

/**
 * The part of a better-sqlite3 handle that is used here. The package ships no types, and there is exactly one copy:
 * the one that MikroORM brings.
 */
export interface NativeDatabase {
  readonly inTransaction: boolean
  prepare<Parameters extends Bindable[], Row = never>(sql: string): Statement<Parameters, Row>
  exec(sql: string): unknown
  pragma(text: string, options?: { simple: true }): unknown
}
