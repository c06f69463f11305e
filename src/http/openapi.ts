import { createDocument } from 'zod-openapi'
import type { ZodOpenApiOperationObject, ZodOpenApiSecuritySchemeObject } from 'zod-openapi'
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
  /** How callers show who they are. Default: a bearer. */
  tokens?: TokenDescription
  /** What tags are about, in the order in which they are shown. */
  tags?: readonly { name: string; description?: string }[]
}

/** Where tokens are looked for. */
export interface TokenDescription {
  source: 'header' | 'cookie' | 'both'
  header: string
  cookie: string
  /** Nobody needs one. */
  isOptional: boolean
}

const bearer: TokenDescription = { source: 'header', header: 'Authorization', cookie: '', isOptional: false }

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
      ...securityOf(options.tokens ?? bearer),
      paths: paths,
    },
    {
      override: (context) => {
        if (!isCollection(context.zodSchema)) wireOverride(context)
      },
      allowEmptySchema: { custom: true, transform: true, pipe: true },
    },
  )
}

function securityOf({ source, header, cookie, isOptional }: TokenDescription) {
  const isStandard = header.toLowerCase() === 'authorization'
  const securitySchemes: Record<string, ZodOpenApiSecuritySchemeObject> = {
    ...(source !== 'cookie' && {
      bearer: isStandard ? { type: 'http', scheme: 'bearer' } : { type: 'apiKey', in: 'header', name: header },
    }),
    ...(source !== 'header' && { cookie: { type: 'apiKey', in: 'cookie', name: cookie } }),
  }
  const alternatives = Object.keys(securitySchemes).map((name) => ({ [name]: [] }))
  return { security: isOptional ? [{}, ...alternatives] : alternatives, components: { securitySchemes } }
}

/** zod-openapi converts all schemas as fields of one object, named by their places; those names are not the wire's. */
function isCollection(schema: $ZodTypes): boolean {
  const definition = schema._zod.def
  return definition.type === 'object' && Object.keys(definition.shape).some((key) => key.includes(' > '))
}
