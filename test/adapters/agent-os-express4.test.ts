import { agentOSInHost } from './agent-os-conformance.js'
import { expressHost } from './hosts/express.js'

agentOSInHost('Express 4', expressHost('express4'), [
  { basePath: '/os' },
  { basePath: '', compression: true, jsonParserBefore: true },
])
