/** Anything that `JSON.parse` can return. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject

export interface JsonObject {
  [key: string]: JsonValue
}

/** A JSON Schema document (draft 2020-12). */
export type JsonSchema = Record<string, unknown>
