import { agentOSInHost } from './agent-os-conformance.js'
import { expressHost } from './hosts/express.js'

agentOSInHost('Express 5', expressHost('express'), [
  { basePath: '/os' },
  { basePath: '' },
  { basePath: '/api/os', compression: true, jsonParserBefore: true },
])
