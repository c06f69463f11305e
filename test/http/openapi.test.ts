import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Timestamp, UserJson, UserJsonObject } from '../../src/core/schema.js'
import { jsonField } from '../../src/http/body-fields.js'
import { openApiDocument } from '../../src/http/openapi.js'
import { pageQuery } from '../../src/http/pagination.js'
import { queryBoolean, queryTime } from '../../src/http/query.js'
import { routesFor } from '../../src/http/route.js'
import { wireSchema } from '../../src/http/wire-schema.js'

const route = routesFor<object>()
const Run = z
  .object({
    runId: z.string(),
    status: z.enum(['paused', 'done']).meta({ agno: 'uppercase' }),
    createdAt: Timestamp,
    sessionState: UserJsonObject.optional(),
    content: UserJson.optional(),
    settings: z.object({ maxSteps: z.number() }).default({ maxSteps: 50 }),
    get memberRuns() {
      return z.array(Run).optional()
    },
  })
  .meta({ id: 'Run' })
const Started = z.object({ event: z.literal('RunStarted'), runId: z.string() }).meta({ id: 'RunStarted' })
const Content = z
  .object({ event: z.literal('RunContent'), runId: z.string(), contentType: z.string() })
  .meta({ id: 'RunContent' })
const Event = z.discriminatedUnion('event', [Started, Content]).meta({ id: 'RunEvent' })
const params = z.object({ agentId: z.string().meta({ description: 'Of the agent.' }) })
const runExample = { run_id: 'run_1', status: 'done', created_at: '2026-04-24T20:15:00Z', settings: { max_steps: 50 } }

const routes = [
  route({
    method: 'post',
    path: '/agents/{agent_id}/runs',
    operationId: 'create_agent_run',
    summary: 'Start a run',
    tags: ['Runs'],
    scope: { scope: 'agents:run', component: 'agentId' },
    params,
    uploads: ['files'],
    body: z.object({
      message: z.string(),
      sessionState: jsonField(UserJsonObject.optional()),
      runAfter: queryTime().optional(),
    }),
    response: { 200: Run, 202: z.object({ runId: z.string() }) },
    stream: Event,
    errors: { 409: ['RUN_EXISTS', 'SESSION_BUSY'] },
    examples: { request: { message: 'Hello' }, response: runExample },
    handler: () => new Response(),
  }),
  route({
    method: 'get',
    path: '/agents/{agent_id}/runs',
    operationId: 'list_agent_runs',
    summary: 'List runs',
    tags: ['Runs'],
    scope: ['agents:run', 'sessions:read'],
    params,
    query: z.object({ ...pageQuery(), streamEvents: queryBoolean(true) }),
    response: { 200: z.array(Run) },
    handler: () => [],
  }),
  route({
    method: 'get',
    path: '/health',
    operationId: 'health',
    summary: 'Is it up?',
    tags: ['System'],
    scope: 'public',
    response: { 200: z.object({ status: z.string() }) },
    examples: { response: { status: 'ok' } },
    handler: () => ({ status: 'ok' }),
  }),
  route({
    method: 'get',
    path: '/docs',
    operationId: 'docs',
    summary: 'Page',
    tags: ['System'],
    scope: 'any',
    hidden: true,
    response: { 200: { contentType: 'text/html' } },
    handler: () => new Response(),
  }),
]

describe('openApiDocument', () => {
  const document = openApiDocument(routes, { title: 'AgentOS', version: '1.0.0', basePath: '/os' })

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)
    expect(result).toEqual({ valid: true })
  })

  it('spells everything as the wire does', () => {
    const text = JSON.stringify(document)
    for (const camel of [
      'runId',
      'createdAt',
      'sessionState',
      'maxSteps',
      'memberRuns',
      'agentId',
      'streamEvents',
      'contentType',
    ]) {
      expect(text).not.toContain(`"${camel}"`)
    }
    expect(text).not.toContain('agno')
    expect(text).not.toContain('jsonField')
    expect(document.components?.schemas?.Run ?? document.components?.schemas?.RunOutput).toMatchObject({
      properties: { run_id: { type: 'string' }, settings: { default: { max_steps: 50 } } },
    })
  })

  it('describes bodies, streams, errors, scopes, examples and the mount', () => {
    const run = document.paths?.['/agents/{agent_id}/runs']?.post
    expect(run?.description).toBe('Scope: `agents:run`.')
    const requestBody = run?.requestBody as { content: object } | undefined
    expect(Object.keys(requestBody?.content ?? {})).toEqual([
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
    ])
    const responses = run?.responses as Record<
      string,
      { description: string; content: Record<string, { example?: unknown }> }
    >
    expect(Object.keys(responses)).toEqual([
      '200',
      '202',
      '400',
      '401',
      '403',
      '409',
      '413',
      '414',
      '415',
      '422',
      '429',
      '500',
      '503',
    ])
    expect(responses['409']?.description).toBe('`RUN_EXISTS`, `SESSION_BUSY`')
    expect(responses['200']?.content['application/json']?.example).toEqual(runExample)
    expect(responses['200']?.content).toHaveProperty('text/event-stream')
    expect(document.servers).toEqual([{ url: '/os' }])
    expect(document.paths?.['/health']?.get?.security).toEqual([])
    expect(document.paths).not.toHaveProperty('/docs')
  })

  it('describes parameters with their bounds', () => {
    const list = document.paths?.['/agents/{agent_id}/runs']?.get
    expect(list?.parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ in: 'path', name: 'agent_id', required: true, description: 'Of the agent.' }),
        expect.objectContaining({
          in: 'query',
          name: 'limit',
          schema: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
        }),
        expect.objectContaining({ in: 'query', name: 'stream_events', schema: { type: 'boolean', default: true } }),
      ]),
    )
    expect(list?.parameters?.find((one) => 'name' in one && one.name === 'limit')).not.toHaveProperty('required')
  })
})

describe('wireSchema', () => {
  it('renames declared keys and nothing else', () => {
    expect(wireSchema(z.object({ runId: z.string(), toolArgs: UserJsonObject }))).toMatchObject({
      properties: { run_id: { type: 'string' }, tool_args: { type: 'object', additionalProperties: true } },
      required: ['run_id', 'tool_args'],
    })
  })
})
