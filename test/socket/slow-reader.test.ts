import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Agent, step, Workflow } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { OpenSocket, SocketPeer } from '../../src/http/web-handler.js'
import { RawClient } from '../adapters/client.js'
import { collect, until } from '../support/agent-os.js'
import type { Frame } from './client.js'
import { connected, testOS } from './support.js'

const words = Array.from({ length: 400 }, (_, at) => `word${at}`)
const talk = () =>
  new Workflow({
    id: 'talk',
    steps: step({ name: 'talk', agent: new Agent({ id: 'talker', model: scripted({ content: words.join(' ') }) }) }),
  })
const start = { action: 'start-workflow', workflow_id: 'talk', run_id: 'mine', message: 'Go' }

/** A client that takes as many frames as it is told to. */
class StalledPeer implements SocketPeer {
  readonly sent: Frame[] = []
  room = Infinity
  isPaused = false
  closedWith: number | undefined

  get hasRoom(): boolean {
    return this.sent.length < this.room
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Frame)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  close(code: number): void {
    this.closedWith = code
  }

  terminate(): void {
    this.closedWith ??= 1006
  }
}

async function stalled() {
  const { agentOS } = testOS({ workflows: [talk()] })
  const open = (await agentOS.connect(new Request('http://host/workflows/ws'))) as OpenSocket
  const peer = new StalledPeer()
  const session = open(peer)
  return { agentOS, peer, session, say: (frame: object) => session.receive(JSON.stringify(frame)) }
}

describe('a client that does not read', () => {
  it('is sent no more than there is room for, and gets the rest from the log, each event once', async () => {
    const { agentOS, peer, session, say } = await stalled()
    peer.room = 4
    say(start)
    await until(() => peer.sent.length === 4)
    for await (const _ of await agentOS.runs.resume('mine')) void _
    // The run is over; nothing of it has piled up for this client.
    expect(peer.sent).toHaveLength(4)
    expect(peer.hasRoom).toBe(false)
    while (peer.sent.at(-1)!.event !== 'WorkflowCompleted') {
      const before = peer.sent.length
      peer.room = before + 3
      session.drained()
      await until(() => peer.sent.length > before)
    }
    const events = await collect(await agentOS.runs.resume('mine'))
    expect(events.length).toBeGreaterThan(10)
    const shown = peer.sent.slice(1).map(({ event_index }) => event_index as number)
    expect(shown).toEqual(events.map(({ eventIndex }) => eventIndex))
    session.closed()
  })

  it('is not read from either, once it asks for more than it takes', async () => {
    const { peer, session, say } = await stalled()
    peer.room = 1
    for (let id = 0; id < 40; id++) say({ action: 'ping', id })
    expect(peer.isPaused).toBe(true)
    await until(() => peer.sent.length === 2)
    peer.room = Infinity
    session.drained()
    await until(() => !peer.isPaused && peer.sent.length === 41)
    expect(peer.sent.slice(1).map(({ id }) => id as number)).toEqual(Array.from({ length: 40 }, (_, id) => id))
    session.closed()
  })

  it('is let go when it leaves: nobody reads on for it', async () => {
    const { agentOS, peer, session, say } = await stalled()
    peer.room = 4
    say(start)
    await until(() => peer.sent.length === 4)
    session.closed()
    for await (const _ of await agentOS.runs.resume('mine')) void _
    expect(peer.sent).toHaveLength(4)
  })
})

describe('a connection that does not drain', () => {
  it('holds a bounded part of a long log in this process', async () => {
    const text = 'x'.repeat(8 * 1024 * 1024)
    const model = scripted({ content: text, chunkSize: 64 * 1024 })
    const flood = new Workflow({ id: 'flood', steps: step({ name: 'flood', agent: new Agent({ id: 'f', model }) }) })
    const { agentOS, url, server } = await connected({ workflows: [flood] })
    for await (const _ of agentOS.runs.streamInBackground({ workflowId: 'flood', message: 'Go', runId: 'mine' })) void _
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = await RawClient.open(url)
    const [connection] = await accepted
    client.send(
      'GET /workflows/ws HTTP/1.1\r\nHost: host\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    await client.receives('connected')
    client.pause()
    client.send(masked('{"action":"reconnect","run_id":"mine"}'))
    await until(() => connection.writableNeedDrain)
    const sent = connection.bytesWritten
    expect(await agentOS.runs.get('mine')).toMatchObject({ status: 'completed' })
    expect(connection.bytesWritten).toBe(sent)
    expect(connection.writableLength).toBeLessThan(256 * 1024)
    client.close()
  })
})

/** A text as a frame of a client. A mask of zeros leaves it as it is. */
function masked(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`
}

describe('hundreds of sockets', () => {
  it('stay, and each gets its own run', async () => {
    const { open, agentOS } = await connected()
    const sockets = await Promise.all(Array.from({ length: 300 }, () => open()))
    const some = sockets.slice(0, 50)
    for (const [at, socket] of some.entries()) {
      socket.send({ ...start, workflow_id: 'greet', run_id: `run-${at}`, message: `Nr ${at}` })
    }
    const ends = await Promise.all(some.map(async (socket) => (await socket.until('WorkflowCompleted')).at(-1)!))
    expect(ends.map(({ content }) => content as string)).toEqual(some.map((_, at) => `Hello Nr ${at}`))
    for (const socket of sockets) expect(await socket.ask({ action: 'ping' })).toEqual({ event: 'pong' })
    await agentOS.stop()
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed).code))
    expect(new Set(codes)).toEqual(new Set([1012]))
  })
})
