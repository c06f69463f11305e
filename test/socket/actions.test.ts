import { describe, expect, it } from 'vitest'
import { eventsOf, indexes, TestSocket } from './client.js'
import { connected, serveOn, testOS } from './support.js'

const start = { action: 'start-workflow', workflow_id: 'greet', message: 'Ada' }

describe('a socket without authentication', () => {
  it('says that it is there, and needs no token', async () => {
    const { agentOS } = testOS()
    const { url } = await serveOn(agentOS)
    const socket = await TestSocket.open(`${url}/workflows/ws`)
    expect(await socket.next()).toEqual({ event: 'connected', message: 'Ready.', requires_auth: false })
    expect(await socket.ask({ action: 'authenticate', token: 'x', id: 1 })).toEqual({
      event: 'authenticated',
      id: 1,
      message: 'Ready.',
    })
  })

  it('answers a ping with its id', async () => {
    const { socket } = await connected()
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
    expect(await socket.ask({ action: 'ping', id: 'p-1' })).toEqual({ event: 'pong', id: 'p-1' })
  })
})

describe('start-workflow', () => {
  it('shows the events as the stored run has them, each a JSON object', async () => {
    const { socket, agentOS } = await connected()
    socket.send({ ...start, session_id: 'thread', user_id: 'ada', run_id: 'mine', id: 7 })
    const frames = await socket.until('WorkflowCompleted')
    expect(eventsOf(frames)).toEqual([
      'WorkflowStarted',
      'StepStarted',
      'StepOutput',
      'StepCompleted',
      'WorkflowCompleted',
    ])
    expect(indexes(frames)).toEqual([0, 1, 2, 3, 4])
    expect(frames.map(({ id }) => id as unknown)).toEqual([7, undefined, undefined, undefined, undefined])
    expect(frames[4]).toMatchObject({ run_id: 'mine', session_id: 'thread', content: 'Hello Ada' })
    expect(await agentOS.runs.get('mine')).toMatchObject({ status: 'completed', userId: 'ada' })
  })

  it('writes server-sent events where these are asked for', async () => {
    const { socket } = await connected()
    socket.send({ ...start, framing: 'sse' })
    while (!socket.texts.at(-1)!.startsWith('event: WorkflowCompleted')) {
      await socket.next().catch((error: unknown) => {
        if (!(error instanceof SyntaxError)) throw error
      })
    }
    const [, first] = socket.texts
    expect(first).toMatch(/^event: WorkflowStarted\nid: 0\ndata: \{.*"event":"WorkflowStarted".*\}\n\n$/)
  })

  it('follows several runs at once', async () => {
    const { socket, release } = await connected()
    socket.send({ ...start, workflow_id: 'held', run_id: 'a' })
    socket.send({ ...start, workflow_id: 'held', run_id: 'b' })
    socket.send({ ...start, run_id: 'c' })
    await socket.until('WorkflowCompleted')
    release()
    await socket.until('WorkflowCompleted')
    await socket.until('WorkflowCompleted')
    for (const runId of ['a', 'b', 'c']) {
      const own = socket.frames.filter(({ run_id }) => run_id === runId)
      expect(indexes(own)).toEqual(own.map((_, at) => at))
      expect(own.at(-1)!.event).toBe('WorkflowCompleted')
    }
  })

  it('starts background runs, which go on without the socket', async () => {
    const { socket, agentOS, release } = await connected()
    socket.send({ ...start, workflow_id: 'held', run_id: 'mine' })
    await socket.until('WorkflowStarted')
    socket.ws.close()
    await socket.closed
    release()
    let last
    for await (const event of await agentOS.runs.resume('mine')) last = event
    expect(last).toMatchObject({ event: 'WorkflowCompleted' })
  })

  it('refuses as the route does', async () => {
    const { socket } = await connected()
    const refused = async (frame: object) => {
      const { event, error_code, id, error_id } = await socket.ask({ id: 'r', ...frame })
      expect([event, id, error_id]).toEqual(['error', 'r', expect.stringMatching(/^req_/)])
      return error_code as string
    }
    expect(await refused({ ...start, workflow_id: 'nope' })).toBe('WORKFLOW_NOT_FOUND')
    expect(await refused({ ...start, message: undefined })).toBe('VALIDATION_ERROR')
    expect(await refused({ ...start, message: '' })).toBe('VALIDATION_ERROR')
    expect(await refused({ ...start, user_id: 'sa:root' })).toBe('RESERVED_PRINCIPAL')
    expect(await refused({ ...start, session_state: '{' })).toBe('INVALID_JSON_FIELD')
    socket.send({ ...start, run_id: 'mine' })
    await socket.until('WorkflowCompleted')
    expect(await refused({ ...start, run_id: 'mine' })).toBe('RUN_EXISTS')
  })
})

describe('continue-workflow', () => {
  it('moves a paused workflow on, and shows the new leg', async () => {
    const { socket } = await connected()
    socket.send({ ...start, workflow_id: 'asks', run_id: 'mine' })
    const paused = (await socket.until('WorkflowPaused')).at(-1)!
    const [{ step_id }] = paused.step_requirements as [{ step_id: string }]
    const frame = { action: 'continue-workflow', workflow_id: 'asks', run_id: 'mine', id: 2 }
    expect(await socket.ask(frame)).toMatchObject({
      event: 'error',
      id: 2,
      error_code: 'RUN_REQUIREMENTS_UNRESOLVED',
      additional_data: { requirement_ids: [expect.any(String)] },
    })
    socket.send({ ...frame, step_requirements: [{ step_id, confirmed: true }] })
    const leg = await socket.until('WorkflowCompleted')
    expect(leg[0]).toMatchObject({ event: 'StepContinued', event_index: (paused.event_index as number) + 1, id: 2 })
    expect(leg.at(-1)).toMatchObject({ content: 'Published Ada!' })
    expect(await socket.ask({ ...frame, workflow_id: 'greet' })).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
    expect(await socket.ask({ ...frame, session_id: 'other' })).toMatchObject({ error_code: 'RUN_NOT_FOUND' })
  })
})

describe('cancel-workflow', () => {
  it('ends a run and says how it ended, beside the last event', async () => {
    const { socket } = await connected()
    socket.send({ ...start, workflow_id: 'held', run_id: 'mine' })
    await socket.until('StepCompleted')
    socket.send({ action: 'cancel-workflow', workflow_id: 'held', run_id: 'mine', id: 3 })
    const frames = await socket.until('cancel_requested')
    if (!eventsOf(frames).includes('WorkflowCancelled')) await socket.until('WorkflowCancelled')
    expect(frames.at(-1)).toEqual({ event: 'cancel_requested', id: 3, run_id: 'mine', status: 'cancelled' })
    const none = { action: 'cancel-workflow', workflow_id: 'held', run_id: 'none' }
    expect(await socket.ask(none)).toMatchObject({ event: 'error', error_code: 'RUN_NOT_FOUND' })
  })
})

describe('frames that are no requests', () => {
  it.each([
    ['{', 'MALFORMED_BODY'],
    ['', 'MALFORMED_BODY'],
    ['[]', 'MALFORMED_BODY'],
    ['null', 'MALFORMED_BODY'],
    ['['.repeat(5000) + ']'.repeat(5000), 'MALFORMED_BODY'],
    ['{"action":"dance"}', 'VALIDATION_ERROR'],
    ['{}', 'VALIDATION_ERROR'],
    ['{"action":"reconnect","run_id":7}', 'VALIDATION_ERROR'],
    ['{"action":"reconnect","run_id":"x","last_event_index":"seven"}', 'VALIDATION_ERROR'],
  ])('%.40s is an error, and the socket stays', async (text, code) => {
    const { socket } = await connected()
    expect(await socket.ask(text)).toMatchObject({ event: 'error', error_code: code, error: expect.any(String) })
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
  })

  it('bytes are an error, whatever they say', async () => {
    const { socket } = await connected()
    socket.ws.send(new TextEncoder().encode('{"action":"ping"}'))
    expect(await socket.next()).toMatchObject({ event: 'error', error_code: 'MALFORMED_BODY' })
  })

  it('closes with 1009 for a frame over 1 MiB, and takes one that is just as large', async () => {
    const { socket } = await connected()
    const padded = (length: number) => `{"action":"ping","x":"${'x'.repeat(length - 24)}"}`
    expect(await socket.ask(padded(1024 * 1024))).toEqual({ event: 'pong' })
    socket.send(padded(1024 * 1024 + 1))
    expect((await socket.closed).code).toBe(1009)
  })

  it('answers many frames in their order', async () => {
    const { socket } = await connected()
    for (let id = 0; id < 500; id++) socket.send({ action: 'ping', id })
    for (let id = 0; id < 500; id++) expect(await socket.next()).toEqual({ event: 'pong', id })
  })
})
