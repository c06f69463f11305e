import { Hono } from 'hono'
import { agentOSHono } from '../../../adapters/hono.js'
import { createNodeHandler } from '../../../adapters/node.js'
import type { StartHost } from '../adapter-conformance.js'
import { listen } from './listen.js'

/** The suite breaks a stream on purpose; that it was cut is what the suite looks at. */
const onError = () => undefined

/** A Hono app, served by our own bridge. */
export const honoHost: StartHost = (handler, { basePath, jsonParserBefore }) => {
  const app = new Hono()
  app.use(async (context, next) => {
    context.res.headers.set('x-host', 'yes')
    if (jsonParserBefore && /json|form/.test(context.req.header('content-type') ?? '')) await context.req.arrayBuffer()
    await next()
  })
  app.get('/host/hello', (context) => context.text('hello from the host'))
  app.post('/host/echo', async (context) => context.json(await context.req.json()))
  app.get('/host/error', () => {
    throw new Error('its own')
  })
  if (basePath === '') app.use(agentOSHono(handler))
  else app.use(`${basePath}/*`, agentOSHono(handler))
  app.notFound((context) => context.text('host 404', 404))
  app.onError((error, context) => context.text(`host error: ${error.message}`, 500))
  const server = createNodeHandler({ fetch: async (request) => app.fetch(request), matches: () => true }, { onError })
  return listen(server)
}
