import { describe, expect, it } from 'vitest'
import { Agent, AgentOS, ConfigurationError } from 'agentos-sdk'
import type { DeadDelivery, WebhookOptions } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import { ask, gated, pausedOn, pay } from '../approvals/support.js'
import { temporaryPath } from '../storage/support/temporary.js'
import { gate, testAgentOS, until } from '../support/agent-os.js'
import { isGenuine, otherSecret, receiver, secret } from './receiver.js'

const agentId = 'my-agent'

/** Webhooks to this machine, tried again at once. */
function options(host: string, more: WebhookOptions = {}): WebhookOptions {
  return { secrets: { default: secret }, allowedHosts: [host], retryDelaysMs: [5, 5, 5], ...more }
}

describe('the webhook of a run', () => {
  it('is told of its end: signed, and with what GET run answers', async () => {
    const { all, host, url } = await receiver()
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: options(host) })
    const run = await agentOS.runs.create({ agentId, message: 'Hi', userId: 'alice', webhook: { url } })
    await until(() => all.length === 1)
    const [received] = all
    expect(isGenuine(received!)).toBe(true)
    expect(isGenuine(received!, otherSecret)).toBe(false)
    expect(isGenuine({ ...received!, text: received!.text.replace('alice', 'mallory') })).toBe(false)
    expect(received!.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': /^msg_/ })
    const { body } = await ask(agentOS, `GET /agents/${agentId}/runs/${run.runId}`)
    expect(received!.body).toEqual({
      type: 'run.completed',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: body,
    })
    expect(Object.keys(received!.body)).toEqual(['type', 'timestamp', 'data'])
    expect(body.webhook).toBeUndefined()
  })

  it('is told as clients of the origin expect it, where the server speaks like that', async () => {
    const { all, host, url } = await receiver()
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: options(host), compatibility: 'agno' })
    const run = await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => all.length === 1)
    const { body } = await ask(agentOS, `GET /agents/${agentId}/runs/${run.runId}`)
    expect(all[0]!.body.data).toEqual(body)
    expect(body.status).toBe('COMPLETED')
  })

  it('is told of each pause as it was, though the run has gone on since', async () => {
    const opened = gate()
    const { all, host, url } = await receiver(async () => {
      await opened.opened
      return 200
    })
    const { agentOS } = gated({ webhooks: options(host) })
    const { run, approval } = await pausedOn(agentOS, agentOS.runs.create({ agentId, message: 'Go', webhook: { url } }))
    const { body: paused } = await ask(agentOS, `GET /agents/${agentId}/runs/${run.runId}`)
    await agentOS.approvals.resolve(approval.id, { status: 'approved' })
    await agentOS.runs.continue(run.runId)
    opened.open()
    await until(() => all.length === 2)
    const { body: ended } = await ask(agentOS, `GET /agents/${agentId}/runs/${run.runId}`)
    expect(all.map(({ body }) => body.type)).toEqual(['run.paused', 'run.completed'])
    expect(all.map(({ body }) => body.data)).toEqual([paused, ended])
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  })

  it('is told of a failure, and of a cancelling, whoever writes it', async () => {
    const { all, host, url } = await receiver()
    const failing = testAgentOS(scripted([{ fail: { kind: 'authentication', times: 9 }, content: '' }]), {
      webhooks: options(host),
    })
    const failed = await failing.runs.create({ agentId, message: 'Hi', webhook: { url } })
    expect(failed.status).toBe('error')
    await until(() => all.length === 1)
    expect(all[0]!.body).toMatchObject({ type: 'run.error', data: { status: 'error', run_id: failed.runId } })

    const { agentOS, start: _start } = gated({ webhooks: options(host) })
    const paused = await agentOS.runs.create({ agentId, message: 'Go', webhook: { url } })
    await agentOS.runs.cancel(paused.runId)
    await until(() => all.length === 3)
    expect(all.map(({ body }) => body.type)).toEqual(['run.error', 'run.paused', 'run.cancelled'])
    expect(all[2]!.body.data).toMatchObject({ status: 'cancelled', run_id: paused.runId })
  })

  it('can be given over HTTP, also in a form', async () => {
    const { all, host, url } = await receiver()
    const agentOS = testAgentOS(scripted('Hello!'), {
      webhooks: options(host, { secrets: { a: secret, b: otherSecret } }),
    })
    const webhook = { url, secret_ref: 'b' }
    const started = await ask(agentOS, `POST /agents/${agentId}/runs`, { message: 'Hi', background: true, webhook })
    expect(started.status).toBe(202)
    await until(() => all.length === 1)
    expect(isGenuine(all[0]!, otherSecret)).toBe(true)
    const body = new URLSearchParams({ message: 'Hi', webhook: JSON.stringify(webhook) })
    const form = await agentOS.fetch(new Request(`http://host/agents/${agentId}/runs`, { method: 'POST', body }))
    expect(form.status).toBe(200)
    await until(() => all.length === 2)
  })

  it.each([
    ['http://127.0.0.1/hook', 'URL_FORBIDDEN'],
    ['http://169.254.169.254/latest', 'URL_FORBIDDEN'],
    ['http://[::1]:8080/', 'URL_FORBIDDEN'],
    ['http://localhost:8080/', 'URL_FORBIDDEN'],
    ['http://2130706433/', 'URL_FORBIDDEN'],
    ['http://example.com:25/', 'URL_FORBIDDEN'],
    ['http://user:password@example.com/', 'URL_FORBIDDEN'],
    ['ftp://example.com/', 'URL_FORBIDDEN'],
    ['file:///etc/passwd', 'URL_FORBIDDEN'],
    ['example.com', 'URL_FORBIDDEN'],
    ['', 'VALIDATION_ERROR'],
  ])('is refused at %s, before there is a run', async (url, code) => {
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: { secrets: { default: secret } } })
    const answer = await ask(agentOS, `POST /agents/${agentId}/runs`, { message: 'Hi', webhook: { url } })
    expect([answer.status, answer.body.error_code]).toEqual([422, code])
    expect((await agentOS.runs.list()).data).toEqual([])
  })

  it.each([
    ['there are none', undefined, undefined],
    ['there are none by that name', { default: secret }, 'other'],
    ['there are two and none is named', { a: secret, b: otherSecret }, undefined],
  ])('needs a secret: %s', async (_why, secrets, secretRef) => {
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: secrets && { secrets } })
    const webhook = { url: 'https://example.com/hook', ...(secretRef && { secret_ref: secretRef }) }
    const answer = await ask(agentOS, `POST /agents/${agentId}/runs`, { message: 'Hi', webhook })
    expect([answer.status, answer.body.error_code]).toEqual([422, 'WEBHOOK_SECRET_UNKNOWN'])
    expect((await agentOS.runs.list()).data).toEqual([])
  })
})

describe('a webhook that does not arrive', () => {
  it('is tried again, the same with the same id, until it does', async () => {
    const { all, host, url } = await receiver((_received, count) => (count <= 2 ? 500 : 204))
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: options(host) })
    await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => all.length === 3)
    expect(all.every((received) => isGenuine(received))).toBe(true)
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(all.map(({ text }) => text)).size).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(all).toHaveLength(3)
  })

  it.each([
    ['answers with a redirect', 302],
    ['refuses', 410],
  ])('is given up in the end, where the receiver %s, and the host is told', async (_what, status) => {
    const { all, host, url } = await receiver(() => status)
    const dead: DeadDelivery[] = []
    const agentOS = testAgentOS(scripted('Hello!'), {
      webhooks: options(host, { onDead: (delivery) => void dead.push(delivery) }),
    })
    const run = await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => dead.length === 1)
    expect(all).toHaveLength(4)
    expect(dead).toMatchObject([{ type: 'run.completed', runId: run.runId, url, attempts: 4, reason: /\w/ }])
  })

  it('is given up on in time where the receiver says nothing', async () => {
    const { host, url } = await receiver(() => new Promise<number>(() => undefined))
    const dead: DeadDelivery[] = []
    const agentOS = testAgentOS(scripted('Hello!'), {
      webhooks: options(host, { timeoutMs: 50, retryDelaysMs: [], onDead: (delivery) => void dead.push(delivery) }),
    })
    await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => dead.length === 1)
    expect(dead[0]!.reason).toContain('did not answer within 50 ms')
  })

  it('is given up where its name stands for no address', async () => {
    const dead: DeadDelivery[] = []
    const agentOS = testAgentOS(scripted('Hello!'), {
      webhooks: { secrets: { default: secret }, retryDelaysMs: [], onDead: (delivery) => void dead.push(delivery) },
    })
    const url = 'http://nobody.invalid/hook'
    await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => dead.length > 0)
    expect(dead).toMatchObject([{ url, attempts: 1 }])
  })

  it('is sent by another process when this one dies before', async () => {
    const { all, host, url } = await receiver()
    const path = temporaryPath()
    const agents = [new Agent({ id: agentId, model: scripted('Hello!') })]
    const make = (webhooks: WebhookOptions) =>
      new AgentOS({ agents, storage: sqlite(path), logger: silentLogger, webhooks })
    // Killed between the commit and the delivery: its outbox has the row, and nobody has sent it.
    const first = make(options(host, { allowedHosts: [host] }))
    ;(first as unknown as { storage: { webhooks: { claim: () => Promise<[]> } } }).storage.webhooks.claim = () =>
      Promise.resolve([])
    const run = await first.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await first.stop()
    expect(all).toEqual([])
    await using second = make(options(host))
    await second.fetch(new Request('http://host/health'))
    await until(() => all.length === 1)
    expect(all[0]!.body).toMatchObject({ type: 'run.completed', data: { run_id: run.runId } })
    expect(isGenuine(all[0]!)).toBe(true)
  })

  it('is sent once by two processes that look at the same time', async () => {
    const { all, host, url } = await receiver()
    const path = temporaryPath()
    const make = () =>
      testAgentOS(scripted('Hello!'), { storage: sqlite(path), runs: { sweepMs: 2 }, webhooks: options(host) })
    const [first, second] = [make(), make()]
    await second.fetch(new Request('http://host/health'))
    await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        (at % 2 ? first : second).runs.create({ agentId, message: 'Hi', webhook: { url } }),
      ),
    )
    await until(() => all.length >= 40)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(40)
    expect(all).toHaveLength(40)
  })

  it('holds up no other: a receiver that does not answer has but its own', async () => {
    const slow = await receiver(() => new Promise<number>(() => undefined))
    const quick = await receiver()
    const allowedHosts = [slow.host, quick.host]
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: options(slow.host, { allowedHosts }) })
    await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url: slow.url } })
    await until(() => slow.all.length === 1)
    await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url: quick.url } })
    await until(() => quick.all.length > 0)
    expect([slow.all.length, quick.all.length]).toEqual([1, 1])
  })

  it('says nothing of a run that was deleted', async () => {
    const { all, host, url } = await receiver(() => 500)
    const agentOS = testAgentOS(scripted('Hello!'), { webhooks: options(host, { retryDelaysMs: [100, 100] }) })
    const run = await agentOS.runs.create({ agentId, message: 'Hi', webhook: { url } })
    await until(() => all.length === 1)
    await agentOS.sessions.delete(run.sessionId)
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(all).toHaveLength(1)
  })
})

describe('the endpoints of the host', () => {
  it('are told of approvals: made, resolved and expired', async () => {
    const { all, host, url } = await receiver()
    const { agentOS, start } = gated({ calls: [pay], webhooks: options(host, { endpoints: [{ url }] }) })
    const { approval } = await pausedOn(agentOS, start('alice'))
    await until(() => all.length === 1)
    const { body: created } = await ask(agentOS, `GET /approvals/${approval.id}`)
    await agentOS.approvals.resolve(approval.id, { status: 'approved', resolvedBy: 'bob' })
    await until(() => all.length === 2)
    const { body: resolved } = await ask(agentOS, `GET /approvals/${approval.id}`)
    expect(all.map(({ body }) => [body.type, body.data])).toEqual([
      ['approval.created', created],
      ['approval.resolved', resolved],
    ])
    expect(all.every((received) => isGenuine(received))).toBe(true)

    const late = gated({
      tool: { approvalExpiry: { afterMs: 30 } },
      runs: { sweepMs: 10 },
      webhooks: options(host, { endpoints: [{ url, types: ['approval.expired'] }] }),
    })
    await late.start()
    await until(() => all.length === 3)
    expect(all[2]!.body).toMatchObject({ type: 'approval.expired', data: { status: 'expired' } })
  })

  it.each([
    ['a secret that is none', { secrets: { default: 'whsec_short' } }],
    ['a secret of another form', { secrets: { default: 'geheim' } }],
    ['an endpoint without a secret', { endpoints: [{ url: 'https://example.com/hook' }] }],
    ['an endpoint inside', { secrets: { default: secret }, endpoints: [{ url: 'http://10.0.0.1/hook' }] }],
  ] satisfies [string, WebhookOptions][])('are refused at once with %s', (_what, webhooks) => {
    const make = () => new AgentOS({ agents: [], storage: sqlite(':memory:'), webhooks })
    expect(make).toThrow(ConfigurationError)
    expect(make).not.toThrow(/geheim|short/)
  })
})
