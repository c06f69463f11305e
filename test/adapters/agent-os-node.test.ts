import { agentOSInHost } from './agent-os-conformance.js'
import { nodeHost } from './hosts/node.js'

agentOSInHost('node:http', nodeHost, [{ basePath: '/os' }, { basePath: '' }])
