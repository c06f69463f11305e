import { createRouteHandlers } from 'agentos-sdk/next'
import { agentOS } from '../../../agent-os.ts'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = createRouteHandlers(agentOS, { basePath: '/os' })
