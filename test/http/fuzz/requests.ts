import * as fc from 'fast-check'
import {
  bodyText,
  booleanText,
  deepText,
  jsonObjectText,
  jsonText,
  mostly,
  oddText,
  query,
  quoted,
  segment,
} from './values.js'

/** One request, as it goes on the wire. */
export interface FuzzRequest {
  method: string
  /** Ids of things that are there stand as `{session}` and `{run}`. */
  path: string
  headers: Record<string, string>
  body?: string
}

const ids = quoted(
  fc.oneof({ arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), weight: 8 }, oddText),
)
const media = fc.oneof(
  {
    arbitrary: fc.constantFrom(
      '[]',
      '[{"url":"https://example.com/a.png"}]',
      '[{"url":"http://169.254.169.254/"}]',
      '[{"content":"aGVsbG8=","mime_type":"image/png"}]',
      '"[{\\"url\\":\\"https://example.com/a.png\\"}]"',
    ),
    weight: 12,
  },
  fc.constantFrom('[{"filepath":"/etc/passwd"}]', '[{"content":"%%%","url":"x"}]', '[{}]', '[null]'),
)
const objects = fc.oneof(jsonObjectText, quoted(jsonObjectText))

const runBody = bodyText(
  {
    message: mostly(fc.oneof(quoted(oddText), quoted(fc.string({ minLength: 1 })), jsonObjectText)),
    session_id: mostly(ids),
    user_id: mostly(ids),
    run_id: fc.oneof({ arbitrary: fc.uuid().map((id) => `"run_${id}"`), weight: 5 }, ids),
    stream: mostly(booleanText),
    background: mostly(booleanText),
    stream_events: mostly(booleanText),
    session_state: mostly(objects),
    metadata: mostly(objects),
    dependencies: mostly(objects),
    knowledge_filters: mostly(objects),
    output_schema: mostly(fc.constantFrom('{"type":"object","properties":{}}', '{"type":"object"}')),
    images: mostly(media),
    audio: mostly(media),
    input_files: mostly(media),
    files: mostly(media),
    concurrency: mostly(fc.constantFrom('"queue"', '"reject"', '"interrupt"', '"rollback"', '"allow"')),
    add_history_to_context: mostly(booleanText),
    priority: mostly(fc.constantFrom('0', '100', '-100', '101')),
    run_after: mostly(fc.constantFrom('"2020-01-01T00:00:00Z"', '1757348314')),
    ['__proto__']: jsonText,
    constructor: jsonText,
  },
  ['message'],
)

/** Decisions about a run that waits for one. */
const decision = bodyText({
  tool_call_id: fc.oneof(fc.constant('"call_1"'), ids),
  id: ids,
  confirmed: mostly(booleanText),
  confirmation: mostly(booleanText),
  edited_args: mostly(jsonObjectText),
  user_input_schema: mostly(fc.constant('[{"name":"a","value":1}]')),
  result: jsonText,
  tool_name: ids,
})
const decisions = fc.oneof(
  fc.constantFrom('[{"tool_call_id":"call_1","confirmed":true}]', '[{"tool_call_id":"call_1","confirmed":false}]'),
  fc.array(decision, { maxLength: 3 }).map((all) => `[${all.join(',')}]`),
)
const continueBody = bodyText({
  tools: mostly(fc.oneof(decisions, quoted(decisions))),
  requirements: mostly(decisions),
  stream: mostly(booleanText),
  session_id: ids,
  dependencies: mostly(objects),
})

const json = { 'content-type': 'application/json' }
const oddTypes = fc.constantFrom(
  'application/json; charset=utf-16',
  'application/json; charset="utf-8"',
  'application/vnd.api+json',
  'application/merge-patch+json;;',
  'text/plain',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'APPLICATION/JSON',
  'a/b;;=',
  'application/octet-stream',
  ';',
  'application/json,text/plain',
)
const moreHeaders = fc.oneof(
  { arbitrary: fc.constant({}), weight: 8 },
  fc.constantFrom<Record<string, string>>(
    { 'idempotency-key': 'a' },
    { 'idempotency-key': 'x'.repeat(400) },
    { 'idempotency-key': '\u00ff' },
    { 'idempotency-key': 'b', 'last-event-id': '-1' },
    { 'idempotency-key': 'b', 'last-event-id': '999999999999999999' },
    { 'last-event-id': 'x' },
    { 'last-event-id': '2' },
    { 'x-request-id': '\u00ff<script>' },
    { 'content-encoding': 'gzip' },
    { 'if-match': '*' },
    { 'if-match': '"\u00e9"' },
    { accept: 'text/event-stream' },
  ),
)

export const continueRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constant('POST'),
  path: fc.constantFrom('/agents/my-agent/runs/{paused}/continue', '/agents/my-agent/runs/{run}/continue'),
  headers: fc.constant(json),
  body: continueBody,
})

/** Bodies that are not what their content type says. */
const brokenBody = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '"text"',
    '1',
    '{"message":"a"',
    '\u0000',
    '\uFEFF{"message":"a"}',
    '{"message":"a"}}',
  ),
  deepText,
  oddText,
  jsonText,
  fc.constantFrom(
    '--x\r\ncontent-disposition: form-data; name="message"\r\n\r\nHello\r\n--x--\r\n',
    '--x\r\ncontent-disposition: form-data; name="files"; filename="a.exe"\r\n\r\nHello\r\n--x--\r\n',
    '--x\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n\r\n--x--\r\n',
    '--x\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\nHello\r\n--x--\r\n',
    '--x\r\n\r\n--x',
    'message=a&message=b',
    'message=%ff%00&session_state=%7B',
    '__proto__=1&message=a&constructor=b',
  ),
)

export const runRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constant('POST'),
  path: fc.constant('/agents/my-agent/runs'),
  headers: moreHeaders.map((more) => ({ ...json, ...more })),
  body: runBody,
})

/** The fields of a run as a form has them, among others. */
export const formRequest: fc.Arbitrary<FuzzRequest> = fc
  .record(
    {
      message: fc.oneof(oddText, fc.string({ minLength: 1 })),
      session_state: fc.oneof({ arbitrary: jsonObjectText, weight: 4 }, oddText),
      metadata: fc.oneof({ arbitrary: jsonObjectText, weight: 4 }, oddText),
      stream: fc.constantFrom('', 'on', 'off', 'maybe'),
      session_id: fc.oneof(fc.constant(''), oddText),
      constructor: oddText,
    },
    { requiredKeys: ['message'], noNullPrototype: true },
  )
  .map((fields) => ({
    method: 'POST',
    path: '/agents/my-agent/runs',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(Object.entries(fields)).toString(),
  }))

const sessionFields = {
  session_name: mostly(quoted(oddText)),
  session_state: mostly(jsonObjectText),
  metadata: mostly(jsonObjectText),
}

export const sessionRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constant('POST'),
  path: fc.oneof(
    { arbitrary: fc.constant('/sessions'), weight: 4 },
    query({ type: fc.constantFrom('agent', 'team', 'workflow', 'AGENT'), user_id: oddText }).map(
      (search) => `/sessions?${search}`,
    ),
  ),
  headers: fc.constant(json),
  body: fc.oneof(
    { arbitrary: bodyText({ ...sessionFields, session_id: ids, user_id: ids, agent_id: ids }), weight: 4 },
    bodyText({ ...sessionFields, agent_id: ids, team_id: ids, workflow_id: ids }),
  ),
})

export const updateRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constant('PATCH'),
  path: fc.constant('/sessions/{session}'),
  headers: moreHeaders.map((more) => ({ ...json, ...more })),
  body: fc.oneof(
    bodyText(sessionFields),
    bodyText({ ...sessionFields, summary: mostly(fc.constant('{"summary":"So far."}')), other: jsonText }),
  ),
})

const times = fc.constantFrom(
  '0',
  '1757348314',
  '-1',
  '2026-04-24T20:15:00Z',
  '2026-04-24',
  '9999999999999',
  '2026-13-99',
)
const numbers = fc.constantFrom('1', '0', '-1', '20', '1001', '1.5', '1e3', '10000', '99999999999999999999', ' 7 ')
const cursor = fc.oneof(fc.base64String(), fc.constantFrom('a', 'eyJhIjoxfQ', 'WzFd', 'bnVsbA'))
const databases = { db_id: fc.constantFrom('agentos', 'other'), table: fc.constantFrom('sessions', 'other') }

const listQuery = query({
  ...databases,
  type: fc.constantFrom('agent', 'team', 'other'),
  user_id: oddText,
  limit: numbers,
  page: numbers,
  cursor,
  component_id: oddText,
  session_name: oddText,
  sort_by: fc.constantFrom('created_at', 'updated_at', 'session_name', 'other'),
  sort_order: fc.constantFrom('asc', 'DESC', 'up'),
  status: fc.constantFrom('completed', 'PAUSED,error', 'other', ','),
  session_id: oddText,
})
const rowsQuery = query({
  ...databases,
  limit: numbers,
  cursor,
  created_after: times,
  created_before: times,
  include: fc.constantFrom('events', 'messages,', 'x'),
  status: fc.constantFrom('completed', 'x'),
})
const oneQuery = query({
  ...databases,
  type: fc.constantFrom('agent', 'team', 'x'),
  user_id: oddText,
  history_limit: numbers,
  session_id: oddText,
  version: numbers,
})

const resumeQuery = query({ last_event_index: numbers, session_id: oddText })

const paths = fc.oneof(
  listQuery.map((search) => `/sessions?${search}`),
  listQuery.map((search) => `/agents/my-agent/runs?${search}`),
  rowsQuery.map((search) => `/sessions/{session}/runs?${search}`),
  oneQuery.map((search) => `/sessions/{session}?${search}`),
  oneQuery.map((search) => `/sessions/{session}/runs/{run}?${search}`),
  oneQuery.map((search) => `/agents/my-agent/runs/{run}?${search}`),
  oneQuery.map((search) => `/agents/my-agent?${search}`),
  segment.map((id) => `/sessions/${id}`),
  segment.map((id) => `/sessions/${id}/runs`),
  segment.map((id) => `/agents/${id}`),
  segment.map((id) => `/agents/${id}/runs`),
  segment.map((id) => `/agents/my-agent/runs/${id}`),
  segment.map((id) => `/sessions/{session}/runs/${id}`),
  resumeQuery.map((search) => `/agents/my-agent/runs/{run}/resume?${search}`),
  segment.map((id) => `/agents/my-agent/runs/${id}/resume`),
)

export const readRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS'),
  path: paths,
  headers: moreHeaders,
})

/** Every writing route, with a body that may be anything. */
export const brokenRequest: fc.Arbitrary<FuzzRequest> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'PATCH', 'DELETE', 'PUT'),
  path: fc.oneof(
    fc.constantFrom(
      '/agents/my-agent/runs',
      '/agents/my-agent/runs',
      '/agents/my-agent/runs/{run}/cancel',
      '/agents/my-agent/runs/{run}/resume',
      '/agents/my-agent/runs/{run}/continue',
      '/sessions',
      '/sessions/{session}',
      '/sessions/{session}/rename',
    ),
    segment.map((id) => `/agents/my-agent/runs/${id}/cancel`),
    segment.map((id) => `/sessions/${id}/rename`),
    oneQuery.map((search) => `/sessions?${search}`),
  ),
  headers: fc
    .tuple(fc.oneof(oddTypes, fc.constant('application/json')), moreHeaders)
    .map(([type, more]) => ({ 'content-type': type, ...more })),
  body: fc.oneof(
    brokenBody,
    runBody,
    bodyText({ session_name: mostly(quoted(oddText)), session_id: ids }),
    bodyText({
      session_ids: fc.oneof(
        fc.array(ids, { maxLength: 4 }).map((all) => `[${all.join(',')}]`),
        jsonText,
      ),
      session_types: jsonText,
    }),
  ),
})
