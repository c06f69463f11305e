import { createDocument } from 'zod-openapi'
import type { ZodOpenApiOperationObject } from 'zod-openapi'
import type { $ZodTypes } from 'zod/v4/core'
import { operationOf } from './openapi-operation.js'
import type { Route } from './route.js'
import { wireOverride } from './wire-schema.js'

export interface OpenApiOptions {
  title: string
  version: string
  description?: string
  /** Prefix of the mount without a trailing slash. */
  basePath?: string
  /** Whether callers without a token are let in. */
  isOpen?: boolean
  /** What tags are about, in the order in which they are shown. */
  tags?: readonly { name: string; description?: string }[]
}

type OpenApiDocument = ReturnType<typeof createDocument>

/** The OpenAPI 3.1 description of the routes. */
export function openApiDocument(routes: readonly Route<never>[], options: OpenApiOptions): OpenApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const route of routes) {
    if (route.hidden) continue
    const methods = (paths[route.path] ??= {})
    methods[route.method] = operationOf(route)
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: options.title,
        version: options.version,
        ...(options.description && { description: options.description }),
      },
      servers: [{ url: options.basePath || '/' }],
      ...(options.tags && { tags: [...options.tags] }),
      // An empty requirement: a token is read when there is one.
      security: options.isOpen ? [{ bearer: [] }, {}] : [{ bearer: [] }],
      paths: paths,
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    {
      override: (context) => {
        if (!isCollection(context.zodSchema)) wireOverride(context)
      },
      allowEmptySchema: { custom: true, transform: true, pipe: true },
    },
  )
}

/** zod-openapi converts all schemas as fields of one object, named by their places; those names are not the wire's. */
function isCollection(schema: $ZodTypes): boolean {
  const definition = schema._zod.def
  return definition.type === 'object' && Object.keys(definition.shape).some((key) => key.includes(' > '))
}
