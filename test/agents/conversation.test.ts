import { describe, expect, it } from 'vitest'
import { conversation } from '../../src/agents/conversation.js'
import type { Message } from '../../src/agents/log/message.js'

let ids = 0
function said(role: Message['role'], content: string, more: Partial<Message> = {}): Message {
  return { id: `m${ids++}`, role, content, fromHistory: false, stopAfterToolCall: false, createdAt: 0, ...more }
}
const calls = (...names: string[]) => ({
  toolCalls: names.map((id) => ({ id, type: 'function' as const, function: { name: `tool_${id}`, arguments: '{}' } })),
})
const answer = (toolCallId: string, more: Partial<Message> = {}) =>
  said('tool', `result of ${toolCallId}`, { toolCallId, toolName: `tool_${toolCallId}`, ...more })

describe('the conversation', () => {
  it('begins with this run’s instructions, then earlier runs, then this one', () => {
    const history = [said('system', 'old'), said('user', 'Hi'), said('assistant', 'Hello')]
    const own = [said('system', 'new'), said('user', 'And?')]
    expect(conversation(history, own)).toEqual([
      { role: 'system', content: 'new' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'And?' },
    ])
  })

  it('keeps what the provider has to see again', () => {
    const own = [
      said('assistant', '', { ...calls('a'), reasoningContent: 'Hm.', providerData: { secret: 1 } }),
      answer('a', { toolCallError: true }),
    ]
    expect(conversation([], own)).toEqual([
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'a', name: 'tool_a', arguments: '{}' }],
        reasoningContent: 'Hm.',
        providerData: { secret: 1 },
      },
      { role: 'tool', toolCallId: 'a', toolName: 'tool_a', content: 'result of a', isError: true },
    ])
  })

  it('leaves calls without an answer out, and answers without a call', () => {
    const history = [
      said('user', 'Hi'),
      answer('lost'),
      said('assistant', 'Looking.', { ...calls('a', 'b'), providerData: { both: true } }),
      answer('b'),
      answer('stray'),
      said('assistant', '', calls('c')),
      said('user', 'Well?'),
    ]
    expect(conversation(history, [])).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Looking.', toolCalls: [{ id: 'b', name: 'tool_b', arguments: '{}' }] },
      { role: 'tool', toolCallId: 'b', toolName: 'tool_b', content: 'result of b' },
      { role: 'user', content: 'Well?' },
    ])
  })

  it('gives each answer to the call before it, though an earlier run had the same id', () => {
    const turn = [said('assistant', '', calls('a')), answer('a')]
    expect(conversation([...turn, said('assistant', 'Done.')], turn)).toHaveLength(5)
  })

  it('carries media beside the text', () => {
    const own = [
      said('user', 'Look', {
        images: [
          { id: 'i', url: 'https://a.example/1.png', detail: 'low' },
          { id: 'j', content: 'QUJD', format: 'webp' },
        ],
        audio: [{ id: 'k', content: 'QUJD', mimeType: 'audio/wav' }],
        videos: [{ id: 'l', url: 'https://a.example/1.mp4' }],
        files: [
          { filename: 'a.csv', mimeType: 'text/csv', content: 'ä;b' },
          { name: 'b.pdf', mimeType: 'application/pdf', content: 'QUJD' },
        ],
      }),
    ]
    expect(conversation([], own)).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', url: 'https://a.example/1.png', detail: 'low' },
          { type: 'image', data: 'QUJD', mimeType: 'image/webp' },
          { type: 'audio', data: 'QUJD', mimeType: 'audio/wav' },
          { type: 'video', url: 'https://a.example/1.mp4' },
          // A text file is carried as text, and models take files in base64.
          { type: 'file', data: Buffer.from('ä;b').toString('base64'), mimeType: 'text/csv', filename: 'a.csv' },
          { type: 'file', data: 'QUJD', mimeType: 'application/pdf', filename: 'b.pdf' },
        ],
      },
    ])
  })
})
