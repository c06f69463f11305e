import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.js'
import type { ServedAgentOS } from '../agent-os-conformance.js'
import { readUntil, until } from '../client.js'
import { framesOf, postJson, runsAt } from './agent-os-client.js'
import type { Body } from './agent-os-client.js'

export function agentOSRunCases(served: ServedAgentOS): void {
  describe('streams and clients that leave', () => {
    it('streams a run, event by event, as server-sent events', async () => {
      const response = await postJson(runsAt(served), { message: 'Hello', stream: true })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
      expect(response.headers.get('cache-control')).toContain('no-transform')
      const events = framesOf(await response.text())
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index))
      for (const { event, id, data } of events) expect(data).toMatchObject({ event, event_index: id })
      expect(events[0]).toMatchObject({ event: 'RunStarted', data: { run_id: response.headers.get('x-run-id') } })
      expect(events.at(-1)).toMatchObject({ event: 'RunCompleted', data: { status: 'completed' } })
      const deltas = events.filter(({ event }) => event === 'RunContent').map(({ data }) => data.content)
      expect(deltas.join('')).toBe(events.at(-1)!.data.content)
    })

    it('sends the first event before the run ends', async () => {
      served.hold()
      const response = await postJson(
        runsAt(served),
        { message: served.slowMessage, stream: true },
        { headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' } },
      )
      const reader = await readUntil(response, 'RunStarted')
      const run = await fetch(`${runsAt(served)}/${response.headers.get('x-run-id')}`)
      expect(await run.json()).toMatchObject({ status: 'running' })
      served.release()
      let rest = ''
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest += new TextDecoder().decode(next.value)
      expect(rest).toContain('RunCompleted')
    })

    it('cancels a plain run whose client leaves', async () => {
      served.hold()
      const runId = newId('run')
      const client = new AbortController()
      const answer = postJson(
        runsAt(served),
        { message: served.slowMessage, run_id: runId },
        { signal: client.signal },
      ).catch((error: unknown) => (error as Error).name)
      await until('the run is there', async () => (await fetch(`${runsAt(served)}/${runId}`)).status === 200)
      client.abort()
      expect(await answer).toBe('AbortError')
      await until('the run is cancelled', async () => (await statusOf(runId)) === 'cancelled')
      served.release()
    })

    it('lets a streamed run go on for a while when its reader leaves', async () => {
      served.hold()
      const client = new AbortController()
      const response = await postJson(
        runsAt(served),
        { message: served.slowMessage, stream: true },
        { signal: client.signal },
      )
      await readUntil(response, 'RunStarted')
      client.abort()
      const runId = response.headers.get('x-run-id')!
      expect(await statusOf(runId)).toBe('running')
      served.release()
      await until('the run is completed', async () => (await statusOf(runId)) === 'completed', 15_000)
    })

    it('shows the rest of a run to a reader that comes back', async () => {
      const response = await postJson(runsAt(served), { message: 'Hello', stream: true })
      const events = framesOf(await response.text())
      const url = `${runsAt(served)}/${response.headers.get('x-run-id')}/resume`
      const rest = await fetch(url, { headers: { 'last-event-id': '1' } })
      const frames = framesOf(await rest.text())
      expect(frames[0]).toMatchObject({ event: 'replay', data: { last_event_index_requested: 1 } })
      expect(frames.slice(1)).toEqual(events.slice(2))
      expect((await fetch(`${url}?last_event_index=${events.length - 1}`)).status).toBe(204)
    })

    it('cancels a run that somebody asks it to cancel', async () => {
      served.hold()
      const started = await postJson(runsAt(served), { message: served.slowMessage, background: true })
      expect(started.status).toBe(202)
      const { run_id, session_id } = (await started.json()) as Body
      const answer = await fetch(`${runsAt(served)}/${String(run_id)}/cancel`, { method: 'POST' })
      expect([answer.status, await answer.json()]).toEqual([200, { run_id, session_id, status: 'cancelled' }])
      served.release()
    })
  })

  async function statusOf(runId: string): Promise<unknown> {
    return ((await (await fetch(`${runsAt(served)}/${runId}`)).json()) as Body).status
  }
}
