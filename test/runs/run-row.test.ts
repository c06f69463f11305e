import { describe, expect, it } from 'vitest'
import type { AgentRun } from '../../src/agents/log/run-record.js'
import { encoder } from '../../src/http/encode.js'
import { AgentRunRow, toRunRow } from '../../src/runs/run-row.js'

const run: AgentRun = {
  runId: 'run_1',
  sessionId: 'ses_1',
  userId: 'alice',
  agentId: 'support',
  agentName: 'Support',
  input: { inputContent: 'Where is order 7?' },
  content: 'On its way.',
  contentType: 'str',
  status: 'completed',
  createdAt: '2026-04-24T20:15:00Z',
}
const encode = encoder(AgentRunRow)
const row = (more: Partial<AgentRun> = {}) => encode(toRunRow({ ...run, ...more })) as Record<string, unknown>

describe('toRunRow', () => {
  it('is a row of the contract, without what belongs to the record only', () => {
    expect(row()).toEqual({
      run_id: 'run_1',
      agent_id: 'support',
      user_id: 'alice',
      status: 'completed',
      run_input: 'Where is order 7?',
      content: 'On its way.',
      run_response_format: 'text',
      created_at: '2026-04-24T20:15:00Z',
    })
  })

  it('writes structured input as JSON text', () => {
    expect(row({ input: { inputContent: { order: 7 } } }).run_input).toBe('{"order":7}')
    expect(row({ input: { inputContent: [1, 'a'] } }).run_input).toBe('[1,"a"]')
    expect(row({ input: undefined })).not.toHaveProperty('run_input')
  })

  it.each([
    [{ status: 'sent' }, { status: 'sent' }],
    [[1, 2], '[1,2]'],
    [7, '7'],
    [false, 'false'],
    [null, 'null'],
  ])('gives the content %j as text or an object, and says that it is JSON', (content, shown) => {
    expect(row({ content, contentType: 'Order' })).toMatchObject({ content: shown, run_response_format: 'json' })
  })

  it('has no content before there is any', () => {
    expect(row({ content: undefined })).not.toHaveProperty('content')
  })

  it('holds the media of the input, every kind of them, when there are any', () => {
    const image = { id: 'img_1', url: 'https://example.com/a.png', mimeType: 'image/png' }
    expect(row({ input: { inputContent: 'Look', images: [image] } }).input_media).toEqual({
      images: [{ id: 'img_1', url: 'https://example.com/a.png', mime_type: 'image/png' }],
      videos: [],
      audios: [],
      files: [],
    })
  })

  it('repeats the reasoning and the references where the chat front end looks for them', () => {
    const reasoningSteps = [{ title: 'Look it up', nextAction: 'continue' as const }]
    const references = [{ query: 'order 7', references: [{ content: 'sent' }] }]
    const shown = {
      reasoning_steps: [{ title: 'Look it up', next_action: 'continue' }],
      references: [{ query: 'order 7', references: [{ content: 'sent' }] }],
    }
    expect(row({ reasoningSteps, references })).toMatchObject({ ...shown, extra_data: shown })
    expect(row()).not.toHaveProperty('extra_data')
  })

  it('leaves messages out when they are not asked for', () => {
    const messages: AgentRun['messages'] = [
      { id: 'msg_1', role: 'user', content: 'Hi', fromHistory: false, stopAfterToolCall: false, createdAt: 1 },
    ]
    expect(row({ messages }).messages).toHaveLength(1)
    expect(encode(toRunRow({ ...run, messages }, { withMessages: false }))).not.toHaveProperty('messages')
  })
})
