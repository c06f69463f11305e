/** Examples of the routes of service accounts, spelled as on the wire. */
export const mintExample = { name: 'nightly-report', scopes: ['agents:support:run', { scope: 'sessions:read' }] }

const account = {
  id: '0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
  name: 'nightly-report',
  principal: 'sa:nightly-report',
  user_id: 'alice',
  token_prefix: 'agno_pat_0Aa1Bb2',
  scopes: [
    {
      id: null,
      raw: 'agents:support:run',
      namespace: 'agents',
      sub_namespace: 'support',
      permission: 'run',
      value: 'allow',
    },
    { id: null, raw: 'sessions:read', namespace: 'sessions', sub_namespace: null, permission: 'read', value: 'allow' },
  ],
  created_at: '2026-04-24T20:15:00.000Z',
  expires_at: '2026-07-23T20:15:00.000Z',
  last_used_at: null,
  revoked_at: null,
  created_by: 'alice',
}

export const mintedExample = { ...account, token: `${account.token_prefix}…` }

export const serviceAccountListExample = {
  data: [{ ...account, last_used_at: '2026-04-25T02:00:00.250Z' }],
  meta: { page: 1, limit: 20, total_count: 1, total_pages: 1, search_time_ms: 0.4 },
}
