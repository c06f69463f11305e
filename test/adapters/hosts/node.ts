import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { createNodeHandler } from '../../../adapters/node.js'
import type { StartHost } from '../adapter-conformance.js'
import { listen } from './listen.js'

/** A plain Node server that tries us first and then its own routes. */
export const nodeHost: StartHost = (handler, { basePath }) => {
  const agentOS = createNodeHandler(handler, { basePath })
  return listen((req, res) => {
    res.setHeader('x-host', 'yes')
    const fail = (error: unknown) => {
      if (res.headersSent) return
      res.statusCode = (error as { status?: number }).status ?? 500
      res.end(`host error: ${(error as Error).message}`)
    }
    agentOS(req, res, (error) => {
      if (error !== undefined) fail(error)
      else void answer(req, res, fail)
    })
  })
}

async function answer(req: IncomingMessage, res: ServerResponse, fail: (error: unknown) => void): Promise<void> {
  try {
    await route(req, res)
  } catch (error) {
    fail(error)
  }
}

async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.url === '/host/hello') res.end('hello from the host')
  else if (req.url === '/host/echo') res.end(await text(req))
  else if (req.url === '/host/error') throw new Error('its own')
  else {
    res.statusCode = 404
    res.end('host 404')
  }
}
