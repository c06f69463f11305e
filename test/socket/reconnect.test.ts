import { describe, expect, it } from 'vitest'
import { Agent, step, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { collect } from '../support/agent-os.js'
import { indexes } from './client.js'
import { connected } from './support.js'

const held = { action: 'start-workflow', workflow_id: 'held', run_id: 'mine', message: 'Ada' }
const reconnect = { action: 'reconnect', run_id: 'mine' }

describe('reconnect', () => {
  it('shows what was missed and then what is live, each event once', async () => {
    const { socket, open, release } = await connected()
    socket.send(held)
    const seen = await socket.until('StepCompleted')
    // The connection breaks; the run goes on.
    socket.ws.close()
    await socket.closed
    const again = await open()
    again.send({ ...reconnect, workflow_id: 'held', last_event_index: 1, id: 'r' })
    const missed = await again.until('subscribed')
    expect(missed[0]).toMatchObject({
      event: 'catch_up',
      id: 'r',
      run_id: 'mine',
      status: 'running',
      missed_events: seen.length - 1,
    })
    expect(missed.at(-1)).toMatchObject({ event: 'subscribed', current_event_count: seen.length + 1 })
    release()
    const live = await again.until('WorkflowCompleted')
    const shown = indexes([...missed, ...live])
    expect(shown).toEqual(shown.map((_, at) => at + 2))
  })

  it('lets two sockets follow one run, and both get the same', async () => {
    const { socket, open, release } = await connected()
    socket.send(held)
    const early = await socket.until('StepCompleted')
    const other = await open()
    other.send(reconnect)
    const caughtUp = await other.until('subscribed')
    release()
    const [mine, theirs] = await Promise.all([socket.until('WorkflowCompleted'), other.until('WorkflowCompleted')])
    const events = (frames: Record<string, unknown>[]) => frames.filter(({ event_index }) => event_index !== undefined)
    expect(events([...caughtUp, ...theirs])).toEqual(events([...early, ...mine]))
  })

  it('replays a run that has ended or paused, from the event that is known', async () => {
    const { socket } = await connected()
    socket.send({ ...held, workflow_id: 'asks' })
    const first = await socket.until('WorkflowPaused')
    for (const after of [-1, 0, 2, first.length - 1]) {
      socket.send({ ...reconnect, last_event_index: after })
      expect(await socket.next()).toMatchObject({
        event: 'replay',
        status: 'paused',
        total_events: first.length - 1 - after,
        total_buffered: first.length,
        last_event_index_requested: after,
      })
      for (const event of first.slice(after + 1)) expect(await socket.next()).toEqual(event)
    }
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
  })

  it('takes the place of the follow that the same socket had', async () => {
    const { socket, release } = await connected()
    socket.send(held)
    await socket.until('StepCompleted')
    socket.send({ ...reconnect, last_event_index: 0 })
    await socket.until('subscribed')
    release()
    await socket.until('WorkflowCompleted')
    expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
    const completed = socket.frames.filter(({ event }) => event === 'WorkflowCompleted')
    expect(completed).toHaveLength(1)
  })

  it('finds only runs of workflows, in the place that is named', async () => {
    const { socket, agentOS } = await connected({ agents: [new Agent({ id: 'my-agent', model: scripted('Hi') })] })
    await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi', runId: 'of-agent' })
    socket.send({ ...held, workflow_id: 'greet' })
    await socket.until('WorkflowCompleted')
    for (const frame of [
      { ...reconnect, run_id: 'none' },
      { ...reconnect, run_id: 'of-agent' },
      { ...reconnect, workflow_id: 'asks' },
      { ...reconnect, session_id: 'other' },
    ]) {
      expect(await socket.ask(frame)).toMatchObject({ event: 'error', error_code: 'RUN_NOT_FOUND' })
    }
  })

  it('loses and repeats nothing, wherever the connection is cut', async () => {
    const content = Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ')
    const talk = new Workflow({
      id: 'talk',
      steps: step({ name: 'talk', agent: new Agent({ id: 'talker', model: scripted({ content }, { delayMs: 1 }) }) }),
    })
    const { open, agentOS } = await connected({ workflows: [talk] })
    let socket = await open()
    socket.send({ ...held, workflow_id: 'talk' })
    const got: Record<string, unknown>[] = []
    const pull = async () => {
      const frame = await socket.next()
      if (frame.event_index !== undefined) got.push(frame)
      return frame.event as string
    }
    for (let cut = 1; got.at(-1)?.event !== 'WorkflowCompleted'; cut++) {
      for (let at = 0; at < cut && got.at(-1)?.event !== 'WorkflowCompleted'; at++) await pull()
      if (got.at(-1)?.event === 'WorkflowCompleted') break
      socket.ws.close()
      socket = await open()
      socket.send({ ...reconnect, last_event_index: (got.at(-1)?.event_index as number | undefined) ?? -1 })
    }
    const events = await collect(await agentOS.runs.resume('mine'))
    expect(got.map(({ event_index, event }) => [event_index, event])).toEqual(
      events.map(({ eventIndex, event }) => [eventIndex, event]),
    )
  })
})
