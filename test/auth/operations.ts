/** An operation of `/openapi.json`, with what it takes to call it. */
export interface Operation {
  /** `POST /agents/{agent_id}/runs` */
  name: string
  operationId: string
  method: string
  path: string
  /** Of its path parameters. */
  params: { name: string; example?: string }[]
  body?: unknown
  isPublic: boolean
  scopes: string[]
}

interface Described {
  operationId: string
  description: string
  parameters?: { name: string; in: string; schema: { examples?: string[] } }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
}

/** Every operation that a server describes, itself included. */
export async function operationsOf(base: string, headers: Record<string, string> = {}): Promise<Operation[]> {
  const response = await fetch(`${base}/openapi.json`, { headers })
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Described>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, description, parameters = [], requestBody }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operationId,
      method: method.toUpperCase(),
      path,
      params: parameters
        .filter((parameter) => parameter.in === 'path')
        .map(({ name, schema }) => ({ name, example: schema.examples?.[0] })),
      body: requestBody?.content['application/json']?.example,
      isPublic: description.endsWith('Public.'),
      scopes: Array.from(/Scope: (.*)\.$/.exec(description)?.[1]?.matchAll(/`([^`]+)`/g) ?? [], ([, scope]) => scope!),
    })),
  )
}

/** What belongs to everybody who may use it; everything else that a path names is somebody's. */
const SHARED = /^(?:agent_id|team_id|workflow_id|component_id|db_id|name|version|message_index)$/

export function isOwned({ name }: { name: string }): boolean {
  return !SHARED.test(name)
}

/** The path of a component, whose scopes can name it: `/agents/{agent_id}/…`. */
export function componentParam({ path }: Operation): string | undefined {
  return /^\/(?:agents|teams|workflows)\/\{(\w+)\}/.exec(path)?.[1]
}
