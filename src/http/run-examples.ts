/** Examples of the run routes, spelled as on the wire; a test sends and checks each of them. */
export const runRequestExample = { message: 'Where is order 7?', user_id: 'alice', session_id: 'thread-42' }

const runExample = {
  run_id: 'run_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
  session_id: 'thread-42',
  user_id: 'alice',
  agent_id: 'support',
  agent_name: 'Support',
  input: { input_content: 'Where is order 7?' },
  content: 'Order 7 is on its way.',
  content_type: 'str',
  model: 'gpt-5-mini',
  model_provider: 'OpenAI',
  metrics: { input_tokens: 42, output_tokens: 8, total_tokens: 50, duration: 1.2 },
  status: 'completed',
  created_at: '2026-04-24T20:15:00Z',
}

const runRowExample = {
  run_id: runExample.run_id,
  agent_id: runExample.agent_id,
  user_id: runExample.user_id,
  status: 'completed',
  run_input: 'Where is order 7?',
  content: runExample.content,
  run_response_format: 'text',
  metrics: runExample.metrics,
  created_at: runExample.created_at,
}

export const cancelledExample = {
  run_id: runExample.run_id,
  session_id: runExample.session_id,
  status: 'cancelled',
}

export const continueExample = { tools: [{ tool_call_id: 'call_1', confirmed: true }] }

const checkpointExample = {
  checkpoint_id: '1',
  run_id: runExample.run_id,
  session_id: runExample.session_id,
  message_index: 1,
  continue_from: 1,
  status: 'running',
  reason: 'checkpoint',
  created_at: runExample.created_at,
  message_id: 'msg_01',
  message_role: 'user',
  message_preview: 'Where is order 7?',
  is_latest: false,
}

export const checkpointListExample = {
  run_id: runExample.run_id,
  session_id: runExample.session_id,
  checkpoints: [
    checkpointExample,
    {
      ...checkpointExample,
      checkpoint_id: '2',
      message_index: 2,
      continue_from: 2,
      status: 'completed',
      reason: 'end',
      message_id: 'msg_02',
      message_role: 'assistant',
      message_preview: runExample.content,
      is_latest: true,
    },
  ],
}

const checkpointSnapshotExample = {
  checkpoint: checkpointExample,
  snapshot: {
    run_id: runExample.run_id,
    session_id: runExample.session_id,
    agent_id: runExample.agent_id,
    agent_name: runExample.agent_name,
    input: runExample.input,
    content_type: 'str',
    messages: [
      {
        id: 'msg_01',
        role: 'user',
        content: 'Where is order 7?',
        from_history: false,
        stop_after_tool_call: false,
        created_at: 1777061700,
      },
    ],
    status: 'running',
    created_at: runExample.created_at,
  },
}

const { agent_id: _id, agent_name: _name, ...anyRun } = runExample
const { agent_id: _rowId, ...anyRow } = runRowExample
const workflowRow = {
  run_id: anyRun.run_id,
  user_id: anyRun.user_id,
  workflow_id: 'release',
  content: 'Published.',
  content_type: 'str',
  step_results: [
    {
      step_name: 'publish',
      step_id: 'publish',
      step_type: 'Function',
      executor_type: 'function',
      executor_name: 'publish',
      content: 'Published.',
      success: true,
      stop: false,
      is_paused: false,
    },
  ],
  status: 'completed',
  created_at: anyRun.created_at,
}

/** By the kind of component. */
export const runExamples = {
  agent: { run: runExample, row: runRowExample },
  team: { run: { ...anyRun, team_id: 'desk', team_name: 'Desk' }, row: { ...anyRow, team_id: 'desk' } },
  workflow: {
    run: {
      ...workflowRow,
      session_id: anyRun.session_id,
      workflow_name: 'Release',
      input: 'Version 2 is out.',
    },
    row: { ...workflowRow, run_input: 'Version 2 is out.' },
  },
}

const { agent_id: _snapshotId, agent_name: _snapshotName, ...anySnapshot } = checkpointSnapshotExample.snapshot
export const checkpointSnapshotExamples = {
  agent: checkpointSnapshotExample,
  team: { ...checkpointSnapshotExample, snapshot: { ...anySnapshot, team_id: 'desk', team_name: 'Desk' } },
}
