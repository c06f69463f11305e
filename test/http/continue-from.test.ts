import { describe, expect, it } from 'vitest'
import { Agent } from 'agentos-sdk'
import type { AgentOS, Run } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import { anonymousCaller } from '../../src/core/caller.js'
import type { Caller } from '../../src/core/caller.js'
import { createHttpApp } from '../../src/http/app.js'
import { sessionForkRoutes } from '../../src/http/session-fork.js'
import { silentLogger } from '../../src/core/logger.js'
import { framesOf } from '../adapters/cases/agent-os-client.js'
import { testAgentOS, until } from '../support/agent-os.js'
import { userCaller } from '../support/served-os.js'

const FORM = 'application/x-www-form-urlencoded'

function served(): AgentOS {
  const model = scripted(({ messages }) => `Answer to ${messages.length}.`)
  return testAgentOS(model, { agents: ['my-agent', 'other'].map((id) => new Agent({ id, model })) })
}

function post(agentOS: AgentOS, path: string, body: object | string = {}): Promise<Response> {
  const type = typeof body === 'string' ? FORM : 'application/json'
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = { method: 'POST', headers: { 'content-type': type }, body: text }
  return agentOS.fetch(new Request(`http://host${path}`, init))
}

async function completed() {
  const agentOS = served()
  const run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  return { agentOS, run, path: `/agents/my-agent/runs/${run.runId}/continue` }
}

describe('POST …/continue of a completed run', () => {
  it('answers with the fork, which X-Run-Id names', async () => {
    const { agentOS, run, path } = await completed()
    const response = await post(agentOS, path, { input: 'More' })
    const body = (await response.json()) as Record<string, unknown>
    expect(response.status).toBe(200)
    expect(body).toMatchObject({
      session_id: run.sessionId,
      status: 'completed',
      content: 'Answer to 3.',
      forked_from_run_id: run.runId,
      forked_from_message_index: 2,
    })
    expect(body.run_id).not.toBe(run.runId)
    expect(response.headers.get('x-run-id')).toBe(body.run_id)
    expect(response.headers.get('x-session-id')).toBe(run.sessionId)
  })

  it.each([true, false])('streams it from RunContinued on, with all events: %s', async (streamEvents) => {
    const { agentOS, run, path } = await completed()
    const response = await post(agentOS, path, { input: 'More', stream: true, stream_events: streamEvents })
    const frames = framesOf(await response.text())
    const runId = response.headers.get('x-run-id')
    expect(runId).not.toBe(run.runId)
    expect(frames[0]!.data).toMatchObject({ event: 'RunContinued', run_id: runId, event_index: 1 })
    expect(frames.at(-1)!.data).toMatchObject({ event: 'RunCompleted', run_id: runId })
    const replay = await post(agentOS, `/agents/my-agent/runs/${runId}/resume`)
    const events = framesOf(await replay.text()).filter(({ id }) => id !== undefined)
    expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, index) => index))
  })

  it('starts it in the background', async () => {
    const { agentOS, run, path } = await completed()
    const response = await post(agentOS, path, { regenerate: true, background: true })
    const body = (await response.json()) as { run_id: string; status: string }
    expect([response.status, body.status]).toEqual([202, 'pending'])
    expect(response.headers.get('x-run-id')).toBe(body.run_id)
    await until(async () => (await agentOS.runs.get(body.run_id)).status === 'completed')
    const { status } = (await (
      await agentOS.fetch(new Request(`http://host/agents/my-agent/runs/${run.runId}`))
    ).json()) as { status: string }
    expect(status).toBe('regenerated')
  })

  it.each([
    ['continue_from=1', { forkedFromMessageIndex: 1 }],
    ['continue_from=last_user&input=', { forkedFromMessageIndex: 1 }],
    ['continue_from=&fork=on&input=More', { forkedFromMessageIndex: 2, input: { inputContent: 'More' } }],
    ['regenerate=yes&replace_original=0&additional_instructions=Short', { regeneratedFrom: expect.any(String) }],
  ])('takes a form: %s', async (form, expected) => {
    const { agentOS, path } = await completed()
    const response = await post(agentOS, path, form)
    expect(response.status).toBe(200)
    expect(await agentOS.runs.get(response.headers.get('x-run-id')!)).toMatchObject(expected)
  })

  it.each<[object, string]>([
    [{ continue_from: 3 }, 'CONTINUE_INDEX_OUT_OF_RANGE'],
    [{ continue_from: '-1' }, 'CONTINUE_INDEX_OUT_OF_RANGE'],
    [{ continue_from: 1.5 }, 'VALIDATION_ERROR'],
    [{ continue_from: 'start' }, 'VALIDATION_ERROR'],
    [{ input: 'a', additional_instructions: 'b', regenerate: true }, 'CONTINUE_PARAMS_CONFLICT'],
    [{ fork: true, regenerate: true }, 'CONTINUE_PARAMS_CONFLICT'],
    [{ replace_original: true }, 'CONTINUE_PARAMS_CONFLICT'],
    [{ additional_instructions: 'b' }, 'CONTINUE_PARAMS_CONFLICT'],
    [{ regenerate: true, continue_from: 1 }, 'CONTINUE_PARAMS_CONFLICT'],
    [{ tools: [{ tool_call_id: 'call_1', confirmed: true }] }, 'UNKNOWN_TOOL_CALL'],
  ])('refuses %j with 422 %s, before any frame', async (body, code) => {
    const { agentOS, run, path } = await completed()
    const response = await post(agentOS, path, { ...body, stream: true })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error_code: code, errors: [{ path: expect.any(String) }] })
    expect((await agentOS.runs.list({ sessionId: run.sessionId, limit: 9 })).data).toEqual([run])
  })

  it('answers 409 for a run that was superseded', async () => {
    const { agentOS, path } = await completed()
    await post(agentOS, path, { regenerate: true })
    const response = await post(agentOS, path, { input: 'More' })
    expect([response.status, await response.json()]).toMatchObject([409, { error_code: 'RUN_NOT_CONTINUABLE' }])
  })
})

describe('POST …/sessions/{session_id}/fork', () => {
  it('answers 201 with the copy', async () => {
    const { agentOS, run } = await completed()
    const response = await post(agentOS, `/agents/my-agent/sessions/${run.sessionId}/fork`)
    const body = (await response.json()) as { session_id: string }
    expect(response.status).toBe(201)
    expect(body).toEqual({ session_id: expect.any(String), forked_from_session_id: run.sessionId })
    const copies = await agentOS.fetch(new Request(`http://host/sessions/${body.session_id}/runs`))
    expect(await copies.json()).toMatchObject([{ forked_from_session_id: run.sessionId, content: run.content }])
  })

  it('answers 404 and 409 as declared', async () => {
    const { agentOS, run } = await completed()
    await agentOS.sessions.create({ sessionId: 'empty', agentId: 'my-agent' })
    for (const [path, status, code] of [
      [`/agents/nobody/sessions/${run.sessionId}/fork`, 404, 'AGENT_NOT_FOUND'],
      [`/agents/other/sessions/${run.sessionId}/fork`, 404, 'SESSION_NOT_FOUND'],
      ['/agents/my-agent/sessions/nobody/fork', 404, 'SESSION_NOT_FOUND'],
      [`/agents/my-agent/sessions/${run.sessionId}/fork?user_id=bob`, 404, 'SESSION_NOT_FOUND'],
      ['/agents/my-agent/sessions/empty/fork', 409, 'SESSION_EMPTY'],
    ] as const) {
      const response = await post(agentOS, path)
      expect([response.status, await response.json()], path).toMatchObject([status, { error_code: code }])
    }
  })

  it('asks for the right to run the agent and to write sessions', async () => {
    const { agentOS, run } = await completed()
    let caller: Caller = anonymousCaller
    const app = createHttpApp({
      routes: sessionForkRoutes,
      authenticate: () => caller,
      services: (as) => agentOS.as(as),
      logger: silentLogger,
    })
    const fork = async (scopes: string[], scoped = false, user = '') => {
      caller = userCaller('alice', { scopes, scoped })
      const url = `http://host/agents/my-agent/sessions/${run.sessionId}/fork${user}`
      const response = await app.fetch(new Request(url, { method: 'POST' }))
      return [response.status, ((await response.json()) as { error_code?: string }).error_code]
    }
    expect(await fork(['agents:my-agent:run', 'sessions:write'])).toEqual([201, undefined])
    for (const scopes of [['agents:run'], ['sessions:write'], ['agents:other:run', 'sessions:write']]) {
      expect(await fork(scopes)).toEqual([403, 'INSUFFICIENT_SCOPE'])
    }
    const all = ['agents:run', 'sessions:write']
    expect(await fork(all, true)).toEqual([404, 'SESSION_NOT_FOUND'])
    expect(await fork(all, true, '?user_id=bob')).toEqual([403, 'USER_MISMATCH'])
  })
})

it('a paused or failed run that is continued keeps its id', async () => {
  const model = scripted([{ fail: { kind: 'authentication', times: 1 }, content: 'Better.' }])
  const agentOS = testAgentOS(model, { agents: [new Agent({ id: 'my-agent', model })] })
  const failed: Run = await agentOS.runs.create({ agentId: 'my-agent', message: 'Hi' })
  const response = await post(agentOS, `/agents/my-agent/runs/${failed.runId}/continue`, { continue_from: 1 })
  expect(response.headers.get('x-run-id')).toBe(failed.runId)
  expect(await response.json()).toMatchObject({ run_id: failed.runId, status: 'completed', content: 'Better.' })
})
