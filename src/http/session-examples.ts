/** Examples of the session routes, spelled as on the wire. */
export const sessionExample = {
  session_id: 'thread-42',
  session_name: 'Where is order 7?',
  user_id: 'alice',
  session_state: { order_id: 7 },
  metrics: { input_tokens: 120, output_tokens: 24, total_tokens: 144 },
  total_tokens: 144,
  metadata: { channel: 'web' },
  created_at: '2026-04-24T20:15:00Z',
  updated_at: '2026-04-24T20:16:10.250Z',
  agent_session_id: 'thread-42',
  agent_id: 'support',
  agent_data: { agent_id: 'support', name: 'Support' },
  chat_history: [
    {
      id: 'msg_01',
      role: 'user',
      content: 'Where is order 7?',
      from_history: false,
      stop_after_tool_call: false,
      created_at: 1777061700,
    },
    {
      id: 'msg_02',
      role: 'assistant',
      content: 'Order 7 is on its way.',
      from_history: false,
      stop_after_tool_call: false,
      created_at: 1777061702,
    },
  ],
}

export const newSessionExample = {
  session_id: 'ses_019dc1f2-7a00-7000-8000-0123456789ab',
  session_name: 'Orders',
  user_id: 'alice',
  session_state: { order_id: 7 },
  created_at: '2026-04-24T20:15:00Z',
  updated_at: '2026-04-24T20:15:00.000Z',
  agent_session_id: 'ses_019dc1f2-7a00-7000-8000-0123456789ab',
  agent_id: 'support',
  agent_data: { agent_id: 'support' },
  chat_history: [],
}

export const sessionListExample = {
  data: [
    {
      session_id: 'thread-42',
      session_name: 'Where is order 7?',
      session_type: 'agent',
      user_id: 'alice',
      agent_id: 'support',
      session_state: { order_id: 7 },
      total_tokens: 144,
      metrics: { input_tokens: 120, output_tokens: 24, total_tokens: 144 },
      created_at: '2026-04-24T20:15:00Z',
      updated_at: '2026-04-24T20:16:10.250Z',
    },
  ],
  meta: { page: 1, limit: 20, total_count: 1, total_pages: 1, search_time_ms: 0.8 },
}
