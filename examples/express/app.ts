import express from 'express'
import type { Express } from 'express'
import type { Agent, AgentOS } from 'agentos-sdk'
import { agentOSRouter } from 'agentos-sdk/express'

/**
 * An Express app as it may have been there before: its parser, its routes, its errors. One line mounts the AgentOS; a
 * path that is not of its API goes on to the app.
 *
 * @param mount where the AgentOS answers: `/` for the root.
 */
export function createApp(agentOS: AgentOS, support: Agent, mount = '/os'): Express {
  const app = express()
  // Before the parser, which would refuse bodies with limits and words of its own.
  app.use(mount, agentOSRouter(agentOS))
  app.use(express.json())

  app.get('/hello', (_req, res) => void res.send('Hello from the shop.'))

  // Somebody else's system calls in, and an agent answers: an ordinary function call, nothing is stored.
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 passes on what it rejects with
  app.post('/webhooks/mail', async (req, res) => {
    const { subject } = req.body as { subject?: string }
    if (!subject) return void res.status(400).json({ error: 'subject is missing' })
    const run = await support.run(subject)
    res.json({ status: run.status, reply: run.content })
  })

  return app
}
