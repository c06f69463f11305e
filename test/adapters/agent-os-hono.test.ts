import { agentOSInHost } from './agent-os-conformance.js'
import { honoHost } from './hosts/hono.js'

agentOSInHost('Hono', honoHost, [{ basePath: '/os' }, { basePath: '' }])
