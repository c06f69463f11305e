import { describe, expect, it } from 'vitest'
import { Agent } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { watchedStream } from '../../src/http/watched-stream.js'
import { anonymousCaller } from '../../src/core/caller.js'
import type { Caller } from '../../src/core/caller.js'
import { UnauthorizedError, UnavailableError } from '../../src/core/errors.js'
import { served } from '../client/support.js'
import { gate, testAgentOS } from '../support/agent-os.js'

describe('an open stream', () => {
  it('ends when its token is revoked, though its run goes on; one with another token stays', async () => {
    const finish = gate()
    const model = scripted(async () => {
      await finish.opened
      return 'At last.'
    })
    const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model })] })
    const { host } = await served(agentOS)
    const minted = await Promise.all(['one', 'two'].map((name) => agentOS.serviceAccounts.mint({ name })))
    const streams = await Promise.all(
      minted.map(({ token }) =>
        fetch(`${host.url}/os/agents/my-agent/runs`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ message: 'Hi', stream: true }),
        }),
      ),
    )
    expect(streams.map(({ status }) => status)).toEqual([200, 200])
    await agentOS.serviceAccounts.revoke(minted[0]!.id)
    const cut = await streams[0]!.text()
    expect(cut).toContain('event: RunStarted')
    expect(cut).not.toContain('RunCompleted')
    const { data } = await agentOS.runs.list({ userId: 'sa:one' })
    expect(data.map(({ status }) => status)).toEqual(['running'])
    finish.open()
    expect(await streams[1]!.text()).toContain('event: RunCompleted')
  })
})

describe('the watch over a stream', () => {
  const caller: Caller = { kind: 'service_account', userId: 'sa:ci', scopes: [], admin: false, scoped: true }

  /** A stream that has sent one event and sends no more, and whether its source was told to end. */
  function silent(asked: () => Caller | Promise<Caller>) {
    const ended = gate()
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => ended.open(),
    })
    const response = new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-run-id': 'run_1' } })
    return { watched: watchedStream(response, caller, asked) as Response, ended: ended.opened }
  }

  it.each<[string, () => Caller]>([
    ['is refused', () => thrown(new UnauthorizedError('X', 'x'))],
    ['is ignored', () => anonymousCaller],
    ['is somebody else', () => ({ ...caller, userId: 'sa:other' })],
  ])('ends it when its token %s', async (_, asked) => {
    const { watched, ended } = silent(asked)
    expect(watched.headers.get('x-run-id')).toBe('run_1')
    expect(await watched.text()).toBe('data: 1\n\n')
    await ended
  })

  it('lets it go on while nobody can tell, and tells its source when the reader goes', async () => {
    const askedTwice = gate()
    let asked = 0
    const { watched, ended } = silent(() => {
      if (++asked === 2) askedTwice.open()
      return asked === 1 ? thrown(new UnavailableError('AUTH_UNAVAILABLE', 'x')) : caller
    })
    const reader = watched.body!.getReader()
    expect((await reader.read()).done).toBe(false)
    await askedTwice.opened
    await reader.cancel()
    await ended
    expect(asked).toBe(2)
  })

  it('leaves everything else as it is', () => {
    for (const result of [{ a: 1 }, undefined, new Response('text'), new Response(null)]) {
      expect(watchedStream(result, caller, () => caller)).toBe(result)
    }
  })
})

function thrown(error: Error): never {
  throw error
}
