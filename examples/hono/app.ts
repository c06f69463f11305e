import { Hono } from 'hono'
import type { Agent, AgentOS } from 'agentos-sdk'
import { agentOSHono } from 'agentos-sdk/hono'

/** A Hono app with routes of its own beside the AgentOS. */
export function createApp(agentOS: AgentOS, support: Agent): Hono {
  const app = new Hono()

  app.get('/hello', (context) => context.text('Hello from the shop.'))

  // Somebody else's system calls in, and an agent answers: an ordinary function call, nothing is stored.
  app.post('/webhooks/mail', async (context) => {
    const { subject } = await context.req.json<{ subject?: string }>()
    if (!subject) return context.json({ error: 'subject is missing' }, 400)
    const run = await support.run(subject)
    return context.json({ status: run.status, reply: run.content as string })
  })

  app.use('/os/*', agentOSHono(agentOS))
  return app
}
