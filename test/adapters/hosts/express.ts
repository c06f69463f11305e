import { createRequire } from 'node:module'
import type express5 from 'express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { agentOSRouter } from '../../../adapters/express.js'
import type { StartHost } from '../adapter-conformance.js'
import { listen } from './listen.js'

// Neither `compression` nor the alias for Express 4 has types.
const require = createRequire(import.meta.url)
const compression = require('compression') as () => RequestHandler

/** A host on Express 5 (`express`) or 4 (`express4`). */
export function expressHost(version: 'express' | 'express4'): StartHost {
  const express = require(version) as typeof express5
  return (handler, mount) => {
    const app = express()
    app.use((_req, res, next) => {
      res.setHeader('x-host', 'yes')
      next()
    })
    if (mount.compression) app.use(compression())
    if (mount.jsonParserBefore) app.use(express.json(), express.urlencoded({ extended: true }))
    app.get('/host/hello', (_req, res) => void res.send('hello from the host'))
    app.post('/host/echo', express.json(), (req, res) => void res.json(req.body))
    app.get('/host/error', () => {
      throw new Error('its own')
    })
    if (mount.basePath === '') app.use(agentOSRouter(handler))
    else app.use(mount.basePath, agentOSRouter(handler))
    app.use((_req, res) => void res.status(404).send('host 404'))
    const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, next) => {
      if (res.headersSent) next(error)
      else res.status(error.status ?? 500).send(`host error: ${error.message}`)
    }
    app.set('env', 'test')
    app.use(onError)
    return listen(app)
  }
}
