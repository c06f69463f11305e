import { describe, expect, it } from 'vitest'
import { collect, names } from '../support/agent-os.js'
import { clientOf } from './support.js'

const place = { agentId: 'my-agent' }
const ids = { 'content-type': 'text/event-stream', 'x-run-id': 'r', 'x-session-id': 's' }

/** A run that paused, was continued, and ended. */
const log = ['RunStarted', 'RunPaused', 'RunContinued', 'RunContent', 'RunError', 'RunContinued', 'RunCompleted']

function frame(index: number, name = log[index]!): string {
  const data = { event: name, event_index: index, run_id: 'r', session_id: 's', content: name }
  return `event: ${name}\nid: ${index}\ndata: ${JSON.stringify(data)}\n\n`
}

function meta(event: string, fields: object): string {
  return `event: ${event}\ndata: ${JSON.stringify({ event, run_id: 'r', status: 'running', message: '', ...fields })}\n\n`
}

/** A stream of these frames; `broken`: it ends without an end. */
function stream(
  frames: string[],
  { broken = false, headers }: { broken?: boolean; headers?: Record<string, string> } = {},
): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const text of frames) controller.enqueue(new TextEncoder().encode(text))
      if (!broken) controller.close()
    },
    pull(controller) {
      controller.error(new TypeError('terminated'))
    },
  })
  return new Response(body, { headers: headers ?? ids })
}

/** A client whose requests are answered with these, in turn. */
function answered(...answers: Response[]) {
  const asked: { method?: string; url: string; lastEventId: string | null; body: unknown }[] = []
  const client = clientOf('http://host', {
    reconnect: { retries: 5, baseDelayMs: 1 },
    fetch: (url, { method, headers, body }) => {
      asked.push({ method, url, lastEventId: new Headers(headers).get('last-event-id'), body })
      return Promise.resolve(
        answers.shift() ?? Response.json({ detail: 'Too often.', error_code: 'NO' }, { status: 400 }),
      )
    },
  })
  return { client, asked }
}

describe('a followed run with several legs', () => {
  it('is replayed past the ends of its earlier legs', async () => {
    const replay = meta('replay', { total_events: 7, total_buffered: 7, last_event_index_requested: -1 })
    const { client, asked } = answered(stream([replay, ...log.map((_, at) => frame(at))]))
    expect(names(await collect(client.runs.resume('r', place)))).toEqual(log)
    expect(asked).toHaveLength(1)
  })

  it('goes on where the connection broke right after the end of an earlier leg', async () => {
    const caughtUp = meta('catch_up', { missed_events: 4, current_event_count: 4 })
    const { client, asked } = answered(
      stream([caughtUp, frame(0), frame(1)], { broken: true }),
      stream([caughtUp, frame(2), frame(3), meta('subscribed', { current_event_count: 4 }), frame(4)]),
    )
    expect(names(await collect(client.runs.resume('r', place)))).toEqual(log.slice(0, 5))
    expect(asked.map(({ body }) => body)).toEqual(['{}', '{"last_event_index":1}'])
  })

  it('ends with a pause that is the last one, with or without an orderly close', async () => {
    const replay = meta('replay', { total_events: 2, total_buffered: 2, last_event_index_requested: -1 })
    for (const broken of [false, true]) {
      const { client, asked } = answered(stream([replay, frame(0), frame(1)], { broken }))
      expect(names(await collect(client.runs.resume('r', place)))).toEqual(['RunStarted', 'RunPaused'])
      expect(asked).toHaveLength(1)
    }
  })

  it('ends at once when nothing is left of it', async () => {
    const replay = meta('replay', { total_events: 0, total_buffered: 2, last_event_index_requested: 1 })
    const { client } = answered(stream([replay]))
    const stream0 = client.runs.resume('r', { ...place, after: 1 })
    expect(await collect(stream0)).toEqual([])
    expect(await stream0.accepted).toEqual({ runId: 'r', sessionId: 's' })
  })
})

describe('a stream of a continued run', () => {
  const request = { ...place, requirements: [{ id: 'q', confirmation: true }] }
  const caughtUp = (count: number) => meta('catch_up', { missed_events: count, current_event_count: count })
  const leg = ['RunContinued', 'RunContent', 'RunError']

  it('goes on from its own index, and ends with the new leg, though another has followed', async () => {
    const { client, asked } = answered(
      stream([frame(2)], { broken: true }),
      stream([meta('replay', { total_events: 4, total_buffered: 7 }), ...[3, 4, 5, 6].map((at) => frame(at))]),
    )
    expect(names(await collect(client.runs.continueStream('r', request)))).toEqual(leg)
    expect(asked.map(({ method, url, lastEventId }) => [method, url, lastEventId])).toEqual([
      ['POST', 'http://host/os/agents/my-agent/runs/r/continue', null],
      ['GET', 'http://host/os/agents/my-agent/runs/r/resume', '2'],
    ])
    expect(JSON.parse(asked[0]!.body as string)).toEqual({
      requirements: [{ id: 'q', confirmation: true }],
      stream: true,
    })
  })

  it('looks for its beginning when the connection broke before it, over several connections', async () => {
    const { client, asked } = answered(
      stream([], { broken: true }),
      stream([caughtUp(3), frame(0), frame(1)], { broken: true }),
      // Another leg has begun since; what counts is what was there at first.
      stream([caughtUp(6), frame(2), frame(3), frame(4), frame(5)]),
      stream([caughtUp(6), frame(2), frame(3), frame(4), frame(5)]),
    )
    const continued = client.runs.continueStreamInBackground('r', request)
    expect(names(await collect(continued))).toEqual(leg)
    expect(await continued.accepted).toEqual({ runId: 'r', sessionId: 's' })
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([null, null, '1', '1'])
  })

  it('begins with the newest leg, of its own run', async () => {
    const inner = frame(6, 'RunContinued').replace('"run_id":"r"', '"run_id":"member"')
    const { client } = answered(
      stream([], { broken: true }),
      stream([caughtUp(7), ...[0, 1, 2, 3, 4, 5].map((at) => frame(at)), inner]),
      stream([caughtUp(7), frame(5), inner, frame(7, 'RunCompleted')]),
    )
    expect(names(await collect(client.runs.continueStream('r', request)))).toEqual([
      'RunContinued',
      'RunContinued',
      'RunCompleted',
    ])
  })

  it('goes on with the copy that its answer names', async () => {
    const headers = { ...ids, 'x-run-id': 'copy' }
    const own = (text: string) => text.replace('"run_id":"r"', '"run_id":"copy"')
    const { client, asked } = answered(
      stream([own(frame(1, 'RunContinued'))], { broken: true, headers }),
      stream([own(frame(2, 'RunCompleted'))], { headers }),
    )
    const continued = client.runs.continueStream('r', { ...place, regenerate: true })
    expect(names(await collect(continued))).toEqual(['RunContinued', 'RunCompleted'])
    expect((await continued.accepted).runId).toBe('copy')
    expect(asked[1]?.url).toBe('http://host/os/agents/my-agent/runs/copy/resume')
  })

  it('is asked for once', async () => {
    const { client, asked } = answered(Response.json({ detail: 'Later.', error_code: 'BUSY' }, { status: 503 }))
    await expect(collect(client.runs.continueStream('r', request))).rejects.toMatchObject({ code: 'BUSY' })
    expect(asked).toHaveLength(1)
  })
})

describe('a stream of a new run', () => {
  const request = { ...place, message: 'm' }

  it('ends with its first pause, though the server keeps the connection open', async () => {
    const endless = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(frame(0) + frame(1))),
    })
    const { client, asked } = answered(new Response(endless, { headers: ids }))
    expect(names(await collect(client.runs.stream(request)))).toEqual(['RunStarted', 'RunPaused'])
    expect(asked).toHaveLength(1)
  })

  it('goes on by GET, with the id of the last event, and ends with 204', async () => {
    const { client, asked } = answered(
      stream([frame(0)], { broken: true }),
      stream([], {}),
      new Response(null, { status: 204 }),
    )
    expect(names(await collect(client.runs.stream(request)))).toEqual(['RunStarted'])
    expect(asked.map(({ method, url, lastEventId }) => [method, url, lastEventId])).toEqual([
      ['POST', 'http://host/os/agents/my-agent/runs', null],
      ['GET', 'http://host/os/agents/my-agent/runs/r/resume', '0'],
      ['GET', 'http://host/os/agents/my-agent/runs/r/resume', '0'],
    ])
  })

  it('shows each event once, whatever is sent again', async () => {
    const { client } = answered(
      stream([frame(0), frame(0), frame(3), frame(1)], { broken: true }),
      stream([frame(0), frame(3), frame(6), frame(7, 'RunContent')]),
    )
    expect(names(await collect(client.runs.stream(request)))).toEqual(['RunStarted', 'RunContent', 'RunCompleted'])
  })

  it('takes a fault of the server for a broken connection, and tells it when it stays', async () => {
    const fault = `event: error\ndata: {"event":"error","error":"Away.","error_code":"DATABASE_UNAVAILABLE"}\n\n`
    const { client } = answered(stream([frame(0), fault]), stream([frame(6)]))
    expect(names(await collect(client.runs.stream(request)))).toEqual(['RunStarted', 'RunCompleted'])
    const faults = Array.from({ length: 6 }, () => stream([fault]))
    await expect(collect(answered(...faults).client.runs.stream(request))).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      detail: 'Away.',
    })
  })

  it('learns the ids from its first event where a page may not see the headers', async () => {
    const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
    const { client, asked } = answered(stream([frame(0)], { broken: true, headers }), stream([frame(6)], { headers }))
    const shown = client.runs.stream(request)
    expect(await shown.accepted).toEqual({ runId: 'r', sessionId: 's' })
    expect(names(await collect(shown))).toEqual(['RunStarted', 'RunCompleted'])
    expect(asked[1]?.url).toBe('http://host/os/agents/my-agent/runs/r/resume')
  })

  it('does not end with a run inside of it', async () => {
    const inner = frame(1, 'RunCompleted').replace('"run_id":"r"', '"run_id":"member"')
    const { client } = answered(stream([frame(0), inner, frame(6)]))
    expect(names(await collect(client.runs.stream(request)))).toEqual(['RunStarted', 'RunCompleted', 'RunCompleted'])
  })
})
