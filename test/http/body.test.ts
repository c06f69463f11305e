import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { anonymousCaller } from '../../src/core/caller.js'
import { silentLogger } from '../../src/core/logger.js'
import { UserJson, UserJsonObject } from '../../src/core/schema.js'
import { createHttpApp } from '../../src/http/app.js'
import { jsonField } from '../../src/http/body-fields.js'
import { isNestedTooDeep } from '../../src/http/json-depth.js'
import { routesFor } from '../../src/http/route.js'

const RunInput = z.object({
  message: z.union([z.string().min(1), UserJsonObject]),
  stream: z.boolean().default(false),
  version: z.number().int().optional(),
  sessionId: z.string().optional(),
  sessionState: jsonField(UserJsonObject.optional()),
  toolCalls: jsonField(z.array(z.object({ callId: z.string() })).optional()),
  labels: z.array(z.string()).optional(),
})
const route = routesFor<object>()
const facts = { summary: 'Test', tags: ['Test'], scope: 'public', response: { 200: UserJson } } as const
const app = createHttpApp({
  authenticate: () => anonymousCaller,
  services: () => ({}),
  logger: silentLogger,
  limits: { requestBytes: 5000, fileBytes: 2000, jsonBytes: 1000, fields: 20 },
  routes: [
    route({
      ...facts,
      method: 'post',
      path: '/runs',
      operationId: 'run',
      uploads: ['files'],
      body: RunInput,
      handler: ({ body, files }) => ({
        body: JSON.parse(JSON.stringify(body)),
        files: files.map(({ bytes, ...file }) => ({ ...file, text: new TextDecoder().decode(bytes) })),
      }),
    }),
    route({
      ...facts,
      method: 'delete',
      path: '/rows',
      operationId: 'delete',
      body: z.object({ rowIds: z.array(z.string()).optional(), note: z.string().optional() }),
      handler: ({ body }) => body as never,
    }),
  ],
})

async function send(
  body: BodyInit | undefined,
  type?: string,
  init: RequestInit & { duplex?: 'half' } = {},
  path = '/runs',
) {
  const headers = { ...(type !== undefined && { 'content-type': type }), ...(init.headers as Record<string, string>) }
  const response = await app.fetch(new Request(`http://host${path}`, { method: 'POST', ...init, body, headers }))
  return {
    status: response.status,
    body: (await response.json()) as { body?: unknown; files?: unknown; error_code?: string; errors?: unknown },
  }
}
const json = (value: unknown) => send(JSON.stringify(value), 'application/json; charset=utf-8')
const form = (text: string) => send(text, 'application/x-www-form-urlencoded')
function multipart(...parts: [string, string | File][]): FormData {
  const data = new FormData()
  for (const [name, value] of parts) data.append(name, value)
  return data
}

describe('a body in each of its types', () => {
  const expected = {
    message: 'hi',
    stream: true,
    version: 2,
    sessionState: { userName: 'Ada' },
    toolCalls: [{ callId: 'c' }],
    labels: ['a', 'b'],
  }

  it('says the same', async () => {
    const native = {
      message: 'hi',
      stream: true,
      version: 2,
      session_state: { userName: 'Ada' },
      tool_calls: [{ call_id: 'c' }],
      labels: ['a', 'b'],
      session_id: '',
    }
    const texts: [string, string][] = [
      ['message', 'hi'],
      ['stream', 'YES'],
      ['version', '2'],
      ['session_state', '{"userName":"Ada"}'],
      ['tool_calls', '[{"call_id":"c"}]'],
      ['labels', 'a'],
      ['labels', 'b'],
      ['session_id', ''],
    ]
    expect((await json(native)).body.body).toEqual(expected)
    expect((await json({ ...native, session_state: '{"userName":"Ada"}' })).body.body).toEqual(expected)
    expect((await form(new URLSearchParams(texts).toString())).body.body).toEqual(expected)
    expect((await send(multipart(...texts))).body.body).toEqual(expected)
  })

  it('keeps text fields text, and takes one value for a list', async () => {
    expect((await form('message={"a":1}&labels=one')).body.body).toEqual({
      message: '{"a":1}',
      stream: false,
      labels: ['one'],
    })
    expect((await json({ message: { any_key: 1 } })).body.body).toEqual({ message: { any_key: 1 }, stream: false })
  })

  it('refuses JSON text that does not parse, by name', async () => {
    const wrong = { status: 422, body: { error_code: 'INVALID_JSON_FIELD', errors: [{ path: 'session_state' }] } }
    expect(await form('message=x&session_state={nope')).toMatchObject(wrong)
    expect(await json({ message: 'x', session_state: '{nope' })).toMatchObject(wrong)
    expect(await form(`message=x&session_state=${'['.repeat(150)}${']'.repeat(150)}`)).toMatchObject(wrong)
  })

  it('validates with the names of the wire', async () => {
    expect(await json({ message: 'x', tool_calls: [{}], stream: 'true' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'stream' }, { path: 'tool_calls.0.call_id' }] },
    })
    expect(await form('message=x&version=two')).toMatchObject({ status: 422, body: { errors: [{ path: 'version' }] } })
    expect(await form('message=x&stream=true&stream=false')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'stream' }] },
    })
    expect(await form('message=')).toMatchObject({ status: 422, body: { errors: [{ path: 'message' }] } })
  })

  it('is not fooled by hostile names', async () => {
    expect((await form('message=x&__proto__=y&constructor=z')).body.body).toEqual({ message: 'x', stream: false })
    expect((await send(multipart(['message', 'x'], ['__proto__', 'y']))).status).toBe(200)
    expect((await send('{"message":"x","__proto__":{"stream":true}}', 'application/json')).body.body).toEqual({
      message: 'x',
      stream: false,
    })
  })
})

describe('uploads', () => {
  it('come with name, type and bytes', async () => {
    const { body } = await send(
      multipart(
        ['message', 'x'],
        ['files', new File(['one'], 'a "quoted" é.txt', { type: 'Text/Plain; charset=utf-8' })],
        ['files', new File([], 'empty.pdf')],
      ),
    )
    expect(body.files).toEqual([
      { field: 'files', filename: 'a "quoted" é.txt', mimeType: 'text/plain', text: 'one' },
      { field: 'files', filename: 'empty.pdf', mimeType: 'application/octet-stream', text: '' },
    ])
  })

  it('are refused when too large, or in a field that takes none', async () => {
    expect(await send(multipart(['message', 'x'], ['files', new File(['x'.repeat(2001)], 'big.txt')]))).toMatchObject({
      status: 413,
    })
    expect(await send(multipart(['message', 'x'], ['other', new File(['x'], 'a.txt')]))).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'other' }] },
    })
  })

  it('are refused as a whole when torn, without boundary, or in too many parts', async () => {
    const torn = '--b\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi'
    expect(await send(torn, 'multipart/form-data; boundary=b')).toMatchObject({
      status: 400,
      body: { error_code: 'MALFORMED_BODY' },
    })
    expect(await send('nothing', 'multipart/form-data; boundary=b')).toMatchObject({ status: 400 })
    expect(await send(torn, 'multipart/form-data')).toMatchObject({ status: 400 })
    expect(await send(multipart(...Array.from({ length: 30 }, (): [string, string] => ['labels', 'x'])))).toMatchObject(
      { status: 413 },
    )
    expect(await form('labels=x&'.repeat(30))).toMatchObject({ status: 413 })
  })
})

describe('a body that is refused', () => {
  it('is malformed JSON, too deep JSON, or no UTF-8', async () => {
    for (const bad of [
      '{',
      'nope',
      '{"message": "x",}',
      `{"message":${'['.repeat(101)}${']'.repeat(101)}}`,
      new Uint8Array([0x22, 0xff, 0x22]),
    ]) {
      expect(await send(bad, 'application/json')).toMatchObject({ status: 400, body: { error_code: 'MALFORMED_BODY' } })
    }
    expect(await json([1])).toMatchObject({ status: 422 })
  })

  it('is of a type or charset that is not taken', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/json; charset=utf-16', '']) {
      expect(await send(new TextEncoder().encode('{}'), type)).toMatchObject({
        status: 415,
        body: { error_code: 'UNSUPPORTED_MEDIA_TYPE' },
      })
    }
    expect(await send('a=1', 'application/x-www-form-urlencoded', { method: 'DELETE' }, '/rows')).toMatchObject({
      status: 415,
    })
  })

  it('is larger than it may be, announced or not, and is not read to its end', async () => {
    expect(await send('x'.repeat(1001), 'application/json')).toMatchObject({
      status: 413,
      body: { error_code: 'PAYLOAD_TOO_LARGE' },
    })
    expect(await send('{}', 'application/json', { headers: { 'content-length': '999999' } })).toMatchObject({
      status: 413,
    })
    let sent = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 400
        controller.enqueue(new Uint8Array(400))
      },
      cancel: () => {
        cancelled = true
      },
    })
    expect(await send(endless, 'application/json', { duplex: 'half' })).toMatchObject({ status: 413 })
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(3000)
  })

  it('ends before it is complete', async () => {
    const torn = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) })
    expect(await send(torn, 'application/json', { duplex: 'half' })).toMatchObject({
      status: 400,
      body: { error_code: 'MALFORMED_BODY' },
    })
  })
})

describe('a body of DELETE', () => {
  const remove = (body?: BodyInit, type?: string) => send(body, type, { method: 'DELETE' }, '/rows')
  it('is read, and may be missing', async () => {
    expect((await remove('{"row_ids":["a"],"note":""}', 'application/json')).body).toEqual({ rowIds: ['a'], note: '' })
    expect((await remove()).body).toEqual({})
    expect((await remove('', 'application/json')).body).toEqual({})
    expect((await remove('')).body).toEqual({})
  })
})

describe('isNestedTooDeep', () => {
  it('counts brackets, but not those in strings', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect([isNestedTooDeep(nested(5), 5), isNestedTooDeep(nested(6), 5)]).toEqual([false, true])
    expect(isNestedTooDeep(JSON.stringify({ a: '[[[[[[[[\\"[[[[' }), 3)).toBe(false)
    expect(isNestedTooDeep('[],'.repeat(50), 3)).toBe(false)
  })
})
