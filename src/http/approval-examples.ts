/** Examples of the approval routes, spelled as on the wire. */
const tool = {
  tool_call_id: 'call_1',
  tool_name: 'pay_refund',
  tool_args: { order: 7, amount: 42 },
  requires_confirmation: true,
  approval_type: 'required',
  approval_id: 'apr_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
  stop_after_tool_call: false,
  created_at: 1777061702,
}

export const approvalExample = {
  id: tool.approval_id,
  run_id: 'run_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
  session_id: 'thread-42',
  status: 'pending',
  source_type: 'agent',
  source_name: 'Support',
  agent_id: 'support',
  approval_type: 'required',
  pause_type: 'confirmation',
  tool_name: tool.tool_name,
  tool_args: tool.tool_args,
  requirements: [
    {
      id: 'req_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
      created_at: '2026-04-24T20:15:02.000Z',
      tool_execution: tool,
      needs_confirmation: true,
      needs_user_input: false,
    },
  ],
  context: { tool_names: ['pay_refund'], source_name: 'Support' },
  user_id: 'alice',
  run_status: 'paused',
  created_at: '2026-04-24T20:15:02.000Z',
  updated_at: '2026-04-24T20:15:02.000Z',
}

export const approvalListExample = {
  data: [approvalExample],
  meta: { page: 1, limit: 100, total_count: 1, total_pages: 1, search_time_ms: 0.8 },
}

export const resolveExample = {
  status: 'approved',
  resolution_data: { note: 'Known customer.', edited_args: { call_1: { order: 7, amount: 40 } } },
  continue_run: true,
}

export const resolvedExample = {
  ...approvalExample,
  status: 'approved',
  resolution_data: resolveExample.resolution_data,
  resolved_by: 'bob',
  resolved_at: '2026-04-24T20:16:10.250Z',
  run_status: 'running',
  updated_at: '2026-04-24T20:16:10.250Z',
}

export const approvalStatusExample = {
  approval_id: approvalExample.id,
  status: 'approved',
  run_id: approvalExample.run_id,
  resolved_at: resolvedExample.resolved_at,
  resolved_by: 'bob',
}
