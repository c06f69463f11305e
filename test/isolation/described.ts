import { operationsOf } from '../auth/operations.js'
import type { Operation } from '../auth/operations.js'

/** Where a request may name a user. */
export type Place = 'path' | 'query' | 'body'

export interface DescribedOperation extends Operation {
  userPlaces: readonly Place[]
}

type Schema = { properties?: Record<string, unknown>; $ref?: string; allOf?: Schema[]; anyOf?: Schema[] }
interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string
        parameters?: { name: string; in: string }[]
        requestBody?: { content: Record<string, { schema: Schema }> }
      }
    >
  >
  components?: { schemas?: Record<string, Schema> }
}

/** The operations of a server, with the places at which they take a `user_id`. */
export async function describedOperations(base: string): Promise<DescribedOperation[]> {
  const document = (await (await fetch(`${base}/openapi.json`)).json()) as Document
  const places = new Map<string, Place[]>()
  for (const methods of Object.values(document.paths)) {
    for (const { operationId, parameters = [], requestBody } of Object.values(methods)) {
      const found = parameters.filter(({ name }) => name === 'user_id').map((one) => one.in as Place)
      const schema = requestBody?.content['application/json']?.schema
      places.set(operationId, schema && takesUserId(schema, document) ? [...found, 'body'] : found)
    }
  }
  return (await operationsOf(base)).map((one) => ({ ...one, userPlaces: places.get(one.operationId) ?? [] }))
}

function takesUserId({ properties, $ref, allOf = [], anyOf = [] }: Schema, document: Document): boolean {
  const named = $ref === undefined ? undefined : document.components?.schemas?.[$ref.split('/').at(-1)!]
  const parts = [...allOf, ...anyOf, ...(named ? [named] : [])]
  return (properties !== undefined && 'user_id' in properties) || parts.some((part) => takesUserId(part, document))
}
