import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Agent, AgentOS } from 'agentos-sdk'
import { agentOSPlugin } from 'agentos-sdk/fastify'
import { maxConnections, serverLimits } from '../server-limits.ts'

/** A Fastify app with routes of its own beside the AgentOS. */
export function createApp(agentOS: AgentOS, support: Agent): FastifyInstance {
  const app = fastify({
    logger: process.env.LOG_LEVEL ? { level: process.env.LOG_LEVEL } : false,
    http: serverLimits,
    // Fastify sets these two itself, and the first one to no limit at all.
    requestTimeout: serverLimits.requestTimeout,
    keepAliveTimeout: serverLimits.keepAliveTimeout,
  })
  app.server.maxConnections = maxConnections

  app.get('/hello', () => 'Hello from the shop.')

  // Somebody else's system calls in, and an agent answers: an ordinary function call, nothing is stored.
  app.post<{ Body: { subject: string } }>(
    '/webhooks/mail',
    { schema: { body: { type: 'object', required: ['subject'], properties: { subject: { type: 'string' } } } } },
    // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify takes promises
    async (request) => {
      const run = await support.run(request.body.subject)
      return { status: run.status, reply: run.content }
    },
  )

  void app.register(agentOSPlugin, { agentOS, prefix: '/os' })
  // The app is closed first, then what the AgentOS holds.
  app.addHook('onClose', () => agentOS.stop())
  return app
}
