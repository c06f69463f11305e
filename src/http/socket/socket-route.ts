import { NotConfiguredError } from '../../core/errors.js'
import { UpgradeRequiredError } from '../error-response.js'
import { route } from '../services.js'

/** Where the socket is. */
export const SOCKET_PATH = '/workflows/ws'

const INSTEAD =
  'Without a socket, POST /workflows/{workflow_id}/runs with "stream": true and "background": true does the same.'

/** What answers a request that did not become a socket. */
const openSocket = route({
  method: 'get',
  path: SOCKET_PATH,
  operationId: 'open_workflow_socket',
  summary: 'Where the socket is',
  tags: ['Runs'],
  scope: 'any',
  hidden: true,
  response: { 200: null },
  handler: ({ headers, canUpgrade }) => {
    if (!canUpgrade) {
      const detail = `This is the address of a WebSocket, and route handlers of this host can't upgrade a connection. ${INSTEAD}`
      throw new NotConfiguredError('CAPABILITY_NOT_SUPPORTED', detail)
    }
    if (headers.get('upgrade')?.toLowerCase() === 'websocket') {
      const detail = `The server does not upgrade connections: serveSockets(server, agentOS) of agentos-sdk/node has it do so. ${INSTEAD}`
      throw new NotConfiguredError('CAPABILITY_NOT_SUPPORTED', detail)
    }
    throw new UpgradeRequiredError('UPGRADE_REQUIRED', `This is the address of a WebSocket. ${INSTEAD}`)
  },
})

export const socketRoutes = [openSocket]
