import { adapterConformance } from './adapter-conformance.js'
import { fastifyHost } from './hosts/fastify.js'

adapterConformance('Fastify 5', fastifyHost)
