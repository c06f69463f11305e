import { describe, expect, it } from 'vitest'
import { Agent } from '../../src/agents/agent.js'
import { scripted } from '../../src/models/index.js'
import type { Model, ModelErrorKind, ScriptedReply } from '../../src/models/index.js'
import { eager, follow, namesOf, only, quiet, shownText } from './support.js'

const failing = (kind: ModelErrorKind, more: object = {}): ScriptedReply => ({
  content: 'Never to be seen.',
  fail: { kind, ...more },
})

describe('a failed model request', () => {
  it('is sent again, each request with its own event', async () => {
    const model = scripted({ content: 'At last.', fail: { kind: 'server', times: 2 } })
    const { events, names, run } = await follow(new Agent({ id: 'a', model, retry: eager }).stream('?', quiet))
    expect(run.content).toBe('At last.')
    expect(names.slice(0, 5)).toEqual([
      'RunStarted',
      'ModelRequestStarted',
      'ModelRequestStarted',
      'ModelRequestStarted',
      'RunContent',
    ])
    expect(only(events, 'RunRecovered')).toEqual([])
    expect(run.messages?.filter(({ role }) => role === 'user')).toHaveLength(1)
  })

  it('withdraws what it has shown before it is sent again', async () => {
    const model = scripted({
      content: 'One two three',
      chunkSize: 4,
      fail: { kind: 'connection', afterDeltas: 2, times: 1 },
    })
    const { events, run } = await follow(new Agent({ id: 'a', model, retry: eager }).stream('?', quiet))
    expect(events.slice(0, 7)).toMatchObject([
      { event: 'RunStarted' },
      { event: 'ModelRequestStarted' },
      { event: 'RunContent', content: 'One ' },
      { event: 'RunContent', content: 'two ' },
      { event: 'RunRecovered', discardAfter: 1, attempt: 2, reason: 'model_retry' },
      { event: 'ModelRequestStarted' },
      { event: 'RunContent', content: 'One ' },
    ])
    expect(shownText(events)).toBe('One two three')
    expect(run.content).toBe('One two three')
  })

  it('withdraws nothing of earlier steps', async () => {
    const model = scripted([
      { content: 'First. ', toolCalls: [{ name: 'none' }] },
      { content: 'Second.', chunkSize: 3, fail: { kind: 'server', afterDeltas: 1, times: 1 } },
    ])
    const { events, run } = await follow(new Agent({ id: 'a', model, retry: eager }).stream('?', quiet))
    expect(run.content).toBe('First. Second.')
    expect(shownText(events)).toBe('First. Second.')
  })

  it('waits as long as the provider asks for', async () => {
    const model = scripted({ content: 'Now.', fail: { kind: 'rate_limit', retryAfterMs: 40, times: 1 } })
    const startedAt = performance.now()
    await new Agent({ id: 'a', model, retry: eager }).run('?', quiet)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(35)
  })

  it('stops waiting when the run is cancelled', async () => {
    const abort = new AbortController()
    const model = scripted(() => {
      setImmediate(() => abort.abort('Never mind.'))
      return failing('rate_limit', { retryAfterMs: 60_000 })
    })
    const agent = new Agent({ id: 'a', model, retry: { maxMs: 100_000 } })
    expect((await agent.run('?', { ...quiet, signal: abort.signal })).status).toBe('cancelled')
  })

  it('keeps what it has shown when nothing is left to try', async () => {
    const model = scripted({ content: 'One two', chunkSize: 4, fail: { kind: 'server', afterDeltas: 1 } })
    const { events, run } = await follow(new Agent({ id: 'a', model, retry: { attempts: 1 } }).stream('?', quiet))
    expect(namesOf(events).at(-1)).toBe('RunError')
    expect(run).toMatchObject({ status: 'error', content: 'One ' })
  })

  it.each([
    ['rate_limit', 'MODEL_RATE_LIMITED', 'model_provider_error', 'model_rate_limit_error', true, 3],
    ['server', 'MODEL_PROVIDER_ERROR', 'model_provider_error', 'model_provider_error', true, 3],
    ['authentication', 'MODEL_AUTH_FAILED', 'model_authentication_error', undefined, false, 1],
    ['context_window', 'CONTEXT_WINDOW_EXCEEDED', 'model_provider_error', 'context_window_exceeded_error', false, 1],
    ['invalid_request', 'MODEL_PROVIDER_ERROR', 'model_provider_error', 'model_provider_error', false, 1],
  ] as const)('%s ends the run as %s', async (kind, errorCode, errorType, errorId, retryable, requests) => {
    const model = scripted(failing(kind, { message: 'The provider said no.' }), { record: true })
    const run = await new Agent({ id: 'a', model, retry: eager }).run('?', quiet)
    expect(run.status).toBe('error')
    expect(run.error).toEqual({ errorCode, errorType, errorId, message: 'The provider said no.', retryable })
    expect(model.requests).toHaveLength(requests)
  })
})

describe('a fallback model', () => {
  const second = scripted('From the second.', { id: 'second', provider: 'other' })

  it('answers when the first has failed for good', async () => {
    const first = scripted(failing('authentication'), { id: 'first' })
    const { events, run } = await follow(
      new Agent({ id: 'a', model: [first, second], retry: eager }).stream('?', quiet),
    )
    expect(run).toMatchObject({ content: 'From the second.', model: 'second', modelProvider: 'other' })
    expect(only(events, 'ModelRequestStarted').map(({ model }) => model)).toEqual(['first', 'second'])
    expect(only(events, 'RunRecovered')).toEqual([])
    expect(run.metrics?.details?.model?.map(({ id }) => id)).toEqual(['second'])
  })

  it('withdraws what the first has shown', async () => {
    const first = scripted({ content: 'Half an answer', chunkSize: 5, fail: { kind: 'server', afterDeltas: 2 } })
    const agent = new Agent({ id: 'a', model: [first, second], retry: { ...eager, attempts: 2 } })
    const { events, run } = await follow(agent.stream('?', quiet))
    expect(only(events, 'RunRecovered').map(({ reason, attempt }) => [reason, attempt])).toEqual([
      ['model_retry', 2],
      ['model_fallback', 3],
    ])
    expect(shownText(events)).toBe('From the second.')
    expect(run.content).toBe('From the second.')
  })

  it('is asked for what nobody has foreseen, too', async () => {
    const broken: Model = {
      id: 'broken',
      provider: 'none',
      generate: () => Promise.reject(new TypeError('undefined is not a function')),
      // oxlint-disable-next-line require-yield
      async *stream() {
        throw new TypeError('undefined is not a function')
      },
    }
    expect((await new Agent({ id: 'a', model: [broken, second] }).run('?', quiet)).content).toBe('From the second.')
    expect((await new Agent({ id: 'a', model: broken }).run('?', quiet)).error?.errorCode).toBe('INTERNAL_ERROR')
  })

  it('is not asked when the run was cancelled', async () => {
    const abort = new AbortController()
    const first = scripted(() => {
      abort.abort()
      return 'never'
    })
    const fallback = scripted('never', { record: true })
    const agent = new Agent({ id: 'a', model: [first, fallback] })
    expect((await agent.run('?', { signal: abort.signal })).status).toBe('cancelled')
    expect(fallback.requests).toHaveLength(0)
  })
})

describe('a model that breaks the rules', () => {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  const stubborn = (stream: Model['stream']): Model => ({
    id: 'm',
    provider: 'p',
    generate: () => new Promise(() => undefined),
    stream,
  })

  it('holds up no cancelled run', async () => {
    const model = stubborn(async function* () {
      yield { type: 'text', text: 'One' }
      await new Promise(() => undefined)
    })
    const agent = new Agent({ id: 'a', model })
    const signal = AbortSignal.timeout(20)
    expect((await agent.run('?', { signal })).status).toBe('cancelled')
    expect(await agent.stream('?', { signal: AbortSignal.timeout(20) }).result).toMatchObject({ content: 'One' })
  })

  it('may tell at the end what it has not streamed', async () => {
    const response = { content: 'One two', toolCalls: [], finishReason: 'stop' as const, usage }
    const model = stubborn(async function* () {
      yield { type: 'text', text: 'One' }
      yield { type: 'finish', response }
    })
    const { events, run } = await follow(new Agent({ id: 'a', model }).stream('?'))
    expect(shownText(events)).toBe('One two')
    expect(run.content).toBe('One two')
  })

  it('has not answered when its stream just ends', async () => {
    const model = stubborn(async function* () {
      yield { type: 'text', text: 'One' }
    })
    const { run } = await follow(new Agent({ id: 'a', model, retry: { attempts: 1 } }).stream('?', quiet))
    expect(run.error?.errorCode).toBe('MODEL_PROVIDER_ERROR')
  })
})
