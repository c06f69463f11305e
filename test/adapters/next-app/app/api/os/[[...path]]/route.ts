import { createRouteHandlers } from '../../../../../../../adapters/next.js'
import { StandIn } from '../../../../../stand-in.js'

export const dynamic = 'force-dynamic'

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = createRouteHandlers(new StandIn(), {
  basePath: '/api/os',
})
