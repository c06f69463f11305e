import { adapterConformance } from './adapter-conformance.js'
import { nodeHost } from './hosts/node.js'

adapterConformance('node:http', nodeHost)
