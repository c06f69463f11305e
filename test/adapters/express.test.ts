import { adapterConformance } from './adapter-conformance.js'
import { expressHost } from './hosts/express.js'

const mounts = [
  { basePath: '/os' },
  { basePath: '' },
  { basePath: '/api/os', compression: true, jsonParserBefore: true },
]

adapterConformance('Express 5', expressHost('express'), { mounts })
adapterConformance('Express 4', expressHost('express4'), { mounts })
