import { z } from 'zod'
import { NotFoundError } from '../core/errors.js'
import { docsAsset, docsPage } from './docs-page.js'
import type { Route } from './route.js'
import { route } from './services.js'
import type { ServerDescription, Services } from './services.js'

const tags = ['System']

const tagList = [
  { name: 'Agents', description: 'What can be run: a model with its tools.' },
  { name: 'Teams', description: 'Several agents under one leader, run like one.' },
  { name: 'Workflows', description: 'Steps in a given order, run like an agent.' },
  { name: 'Runs', description: 'What agents, teams and workflows are asked, and what they make of it.' },
  { name: 'Sessions', description: 'Conversations, with what was said in them.' },
  { name: 'Databases', description: 'The schemas that everything is kept in, and their versions.' },
  { name: 'Approvals', description: 'What somebody has to decide about before an agent may do it.' },
  { name: 'Service accounts', description: 'Identities of machines, and their tokens.' },
  { name: 'System', description: 'The server itself.' },
]

/**
 * The routes that describe the API: the OpenAPI document, and a page to browse it.
 *
 * @param described all routes, these included, as they are guarded. Asked when somebody asks for the document.
 * @param docs false for none; `authenticated` has the document need a caller, too.
 */
export function docsRoutes(
  described: () => readonly Route<Services>[],
  docs: boolean | 'authenticated' = true,
): Route<Services>[] {
  if (docs === false) return []
  const documents = new DocumentCache(described)

  const openApi = route({
    method: 'get',
    path: '/openapi.json',
    operationId: 'get_openapi',
    summary: 'This description',
    tags,
    scope: docs === 'authenticated' ? 'any' : 'public',
    response: { 200: z.record(z.string(), z.unknown()) },
    examples: { response: { openapi: '3.1.1', info: { title: 'AgentOS', version: '1.0.0' }, paths: {} } },
    handler: ({ os, basePath }) => documents.response(os.server, basePath),
  })

  const page = route({
    method: 'get',
    path: '/docs',
    operationId: 'get_docs',
    summary: 'This description as a page',
    tags,
    scope: 'any',
    hidden: true,
    response: { 200: { contentType: 'text/html' } },
    handler: ({ os, request, basePath }) => {
      // The page's own links are relative to its name.
      if (!new URL(request.url).pathname.endsWith('/')) {
        return docsPage({ title: titleOf(os.server), openapiPath: 'openapi.json' })
      }
      return new Response(null, { status: 308, headers: { location: `${basePath}/docs` } })
    },
  })

  const asset = route({
    method: 'get',
    path: '/docs/assets/{name}',
    operationId: 'get_docs_asset',
    summary: 'A file of the page',
    tags,
    scope: 'any',
    hidden: true,
    partOf: '/docs',
    params: z.object({ name: z.string() }),
    response: { 200: { contentType: 'text/javascript' } },
    handler: ({ params }) => assetResponse(params.name),
  })

  return [openApi, page, asset]
}

/** Building the document takes a while, writing it out for another mount does not. */
class DocumentCache {
  private built: { server: ServerDescription; document: object } | undefined
  private readonly texts = new Map<string, string>()

  constructor(private readonly routes: () => readonly Route<Services>[]) {}

  async response(server: ServerDescription, basePath: string): Promise<Response> {
    return new Response(await this.text(server, basePath), { headers: { 'content-type': 'application/json' } })
  }

  private async text(server: ServerDescription, basePath: string): Promise<string> {
    if (this.built?.server !== server) {
      const document = await this.build(server)
      this.built = { server, document }
      this.texts.clear()
    }
    const known = this.texts.get(basePath)
    if (known !== undefined) return known
    const text = JSON.stringify({ ...this.built.document, servers: [{ url: basePath || '/' }] })
    // A mount below a path parameter has any number of prefixes.
    if (this.texts.size < MAX_TEXTS) this.texts.set(basePath, text)
    return text
  }

  private async build(server: ServerDescription): Promise<object> {
    const { version, description, tokens } = server
    // Describing takes a library of its own, which a server that nobody asks does without.
    const { openApiDocument } = await import('./openapi.js')
    return openApiDocument(this.routes(), { title: titleOf(server), version, description, tokens, tags: tagList })
  }
}

const MAX_TEXTS = 16

function titleOf(server: ServerDescription): string {
  return server.name ?? 'AgentOS'
}

async function assetResponse(name: string): Promise<Response> {
  const file = await docsAsset(name)
  if (!file) throw new NotFoundError('ROUTE_NOT_FOUND', `There is no file "${name}" here.`)
  return new Response(file.body, {
    headers: { 'content-type': file.type, 'cache-control': 'public, max-age=86400' },
  })
}
