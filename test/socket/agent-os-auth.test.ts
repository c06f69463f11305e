import { describe, expect, it } from 'vitest'
import { TestSocket } from './client.js'
import { serveOn, testOS } from './support.js'

const start = { action: 'start-workflow', workflow_id: 'greet', message: 'Ada' }
const key = 'a-key-that-nobody-guesses-in-this-test'

describe('the socket of a guarded AgentOS', () => {
  it('asks the same door as the routes', async () => {
    const { agentOS } = testOS({ auth: { osSecurityKey: key } })
    const { url } = await serveOn(agentOS, '', agentOS)
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    expect(await socket.next()).toMatchObject({ event: 'connected', requires_auth: true })
    expect(await socket.ask(start)).toMatchObject({ event: 'auth_required' })
    const authenticate = { action: 'authenticate', token: 'guess' }
    expect(await socket.ask(authenticate)).toMatchObject({ event: 'auth_error', error_type: 'invalid_token' })
    expect(await socket.ask({ ...authenticate, token: key })).toMatchObject({ event: 'authenticated' })
    socket.send(start)
    expect((await socket.until('WorkflowCompleted')).at(-1)).toMatchObject({ content: 'Hello Ada' })
    expect((await fetch(`${url}/workflows/ws`)).status).toBe(401)
  })

  it('holds callers of the host to their scopes and to what is their own', async () => {
    const { agentOS } = testOS({
      auth: {
        authenticate: ({ headers }) => {
          const userId = headers.get('authorization')?.replace('Bearer ', '')
          return userId === undefined ? null : { userId, scopes: ['workflows:greet:run'] }
        },
      },
    })
    const { url } = await serveOn(agentOS, '', agentOS)
    const as = async (token: string) => {
      const socket = await TestSocket.open(`${url}/workflows/ws`)
      await socket.next()
      expect(await socket.ask({ action: 'authenticate', token })).toMatchObject({ user_id: token })
      return socket
    }
    const [ada, bob] = [await as('ada'), await as('bob')]
    ada.send({ ...start, run_id: 'of-ada' })
    await ada.until('WorkflowCompleted')
    expect(await bob.ask({ action: 'reconnect', run_id: 'of-ada' })).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
    expect(await bob.ask({ ...start, workflow_id: 'asks' })).toMatchObject({ error_code: 'INSUFFICIENT_SCOPE' })
  })

  it('refuses the token of a service account that is no good, also on an open server, and takes a good one', async () => {
    const { agentOS } = testOS()
    const { url } = await serveOn(agentOS, '', agentOS)
    const { token, id } = await agentOS.serviceAccounts.mint({ name: 'robot', scopes: ['workflows:greet:run'] })
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    expect(await socket.next()).toMatchObject({ event: 'connected', requires_auth: false })
    const unknown = { action: 'authenticate', token: `agno_pat_${'x'.repeat(43)}` }
    const refused = {
      event: 'auth_error',
      error_type: 'invalid_token',
      error_code: 'SERVICE_ACCOUNT_TOKEN_INVALID',
    }
    expect(await socket.ask(unknown)).toMatchObject(refused)
    const known = { action: 'authenticate', token }
    expect(await socket.ask(known)).toMatchObject({ event: 'authenticated', user_id: 'sa:robot' })
    expect(await socket.ask({ ...start, workflow_id: 'asks' })).toMatchObject({ error_code: 'INSUFFICIENT_SCOPE' })
    expect(await socket.ask(unknown)).toMatchObject(refused)
    await agentOS.serviceAccounts.revoke(id)
    const other = await TestSocket.open(`${url}/workflows/ws`)
    await other.next()
    expect(await other.ask(known)).toMatchObject(refused)
    // Over HTTP, where a stale token is sent along with everything, nobody is locked out.
    expect((await fetch(`${url}/workflows`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
  })

  it('counts runs with those of the routes', async () => {
    const { agentOS } = testOS({ rateLimits: { runsPerMinute: 1 } })
    const { url } = await serveOn(agentOS, '', agentOS)
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    socket.send(start)
    await socket.until('WorkflowCompleted')
    expect(await socket.ask(start)).toMatchObject({ event: 'error', error_code: 'RATE_LIMITED' })
  })
})
