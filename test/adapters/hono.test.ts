import { adapterConformance } from './adapter-conformance.js'
import { honoHost } from './hosts/hono.js'

const mounts = [{ basePath: '/os' }, { basePath: '' }, { basePath: '/api/os', jsonParserBefore: true }]

adapterConformance('Hono', honoHost, { mounts })
