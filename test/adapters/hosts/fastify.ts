import fastify from 'fastify'
import { agentOSPlugin } from '../../../adapters/fastify.js'
import type { StartHost } from '../adapter-conformance.js'

export const fastifyHost: StartHost = async (handler, { basePath }) => {
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-host', 'yes'))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send(`host error: ${error.message}`),
  )
  app.get('/host/hello', () => 'hello from the host')
  app.post('/host/echo', (request) => request.body)
  app.get('/host/error', () => {
    throw new Error('its own')
  })
  await app.register(agentOSPlugin, { agentOS: handler, prefix: basePath })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('host 404'))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, close: () => app.close() }
}
