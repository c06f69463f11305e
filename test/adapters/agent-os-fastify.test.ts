import { agentOSInHost } from './agent-os-conformance.js'
import { fastifyHost } from './hosts/fastify.js'

agentOSInHost('Fastify 5', fastifyHost, [{ basePath: '/os' }, { basePath: '' }])
