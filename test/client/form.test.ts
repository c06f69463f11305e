import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AgentDescription } from '../../src/agents/description.js'
import { RunEvent } from '../../src/agents/log/events.js'
import { AgentRun } from '../../src/agents/log/run-record.js'
import { Approval, ApprovalStatus, ResolveApproval } from '../../src/approvals/approval.js'
import { forms, operations } from '../../src/client/contract.js'
import { fromWire, toWire } from '../../src/client/form.js'
import type { Form } from '../../src/client/form.js'
import { continueRoutes } from '../../src/http/continue.js'
import { createRunBody } from '../../src/http/create-run-body.js'
import { decoder } from '../../src/http/decode.js'
import { encoder } from '../../src/http/encode.js'
import { OsConfig } from '../../src/http/os-config.js'
import { AgentCheckpointSnapshot, CheckpointList } from '../../src/runs/checkpoints.js'
import { AgentRunRow } from '../../src/runs/run-row.js'
import { UpdateSession } from '../../src/sessions/session-input.js'
import { AgentSession, SessionListItem, TeamSession, WorkflowSession } from '../../src/sessions/session.js'
import { valueOf } from './value-of.js'

const detail = operations.get_session.answers['200'] as Form

describe('records from the wire', () => {
  it.each([
    ['a run', 'RunOutput', AgentRun],
    ['an event', 'RunEvent', RunEvent],
    ['a row', 'RunRow', AgentRunRow],
    ['checkpoints', 'CheckpointList', CheckpointList],
    ['a checkpoint', 'CheckpointSnapshot', AgentCheckpointSnapshot],
    ['an approval', 'Approval', Approval],
    ['the state of an approval', 'ApprovalStatus', ApprovalStatus],
    ['an agent', 'AgentResponse', AgentDescription],
    ['a configuration', 'OsConfig', OsConfig],
    ['a session in a list', 'SessionListItem', SessionListItem],
    ["an agent's session", detail, AgentSession],
    ["a team's session", detail, TeamSession],
    ["a workflow's session", detail, WorkflowSession],
  ] as const)('are spelled as the server spells them: %s', (_what, form, schema) => {
    const [encode, decode] = [encoder(schema as typeof AgentRun), decoder(schema)]
    fc.assert(
      fc.property(valueOf(schema), (value) => {
        const wire = JSON.parse(JSON.stringify(encode(value as never))) as unknown
        expect(fromWire(form, wire)).toEqual(decode(wire))
      }),
      { numRuns: 300 },
    )
  })

  it('leave JSON of users as it is, whatever its keys', () => {
    const text = '{"run_id":"r","session_state":{"user_name":{"__proto__":1,"a_b":[{"c_d":2}]},"__proto__":{"x_y":3}}}'
    const run = fromWire('RunOutput', JSON.parse(text)) as { sessionState: unknown }
    expect(JSON.stringify(run.sessionState)).toBe(JSON.stringify(JSON.parse(text).session_state))
    expect(run).not.toHaveProperty('x_y')
  })

  it('keep what a newer server sends', () => {
    expect(fromWire('RunOutput', { run_id: 'r', brand_new: { a_b: 1 } })).toEqual({ runId: 'r', brandNew: { a_b: 1 } })
    expect(fromWire('RunEvent', { event: 'BrandNew', event_index: 3 })).toEqual({ event: 'BrandNew', eventIndex: 3 })
  })

  it('leave the fields of a custom event to whoever made it', () => {
    const wire = { event: 'CustomEvent', run_id: 'r', eventIndex: 'spoofed', event_index: 4, my_field: 1, myField: 2 }
    expect(fromWire('RunEvent', wire)).toEqual({
      event: 'CustomEvent',
      runId: 'r',
      eventIndex: 4,
      my_field: 1,
      myField: 2,
    })
  })
})

describe('records to the wire', () => {
  it.each([
    ['what starts a run', operations.create_agent_run.body as Form, createRunBody],
    ['what moves a run on', operations.continue_agent_run.body as Form, continueRoutes[0]!.body!],
    ['what decides', operations.resolve_approval.body as Form, ResolveApproval],
    ['what changes a session', operations.update_session.body as Form, UpdateSession],
  ] as const)('are spelled as the server reads them: %s', (_what, form, schema) => {
    const encode = encoder(schema as typeof createRunBody)
    fc.assert(
      fc.property(valueOf(schema), (value) => {
        expect(toWire(form, value)).toEqual(encode(value as never))
      }),
      { numRuns: 300 },
    )
  })
})

it('names only forms that are there', () => {
  const names = JSON.stringify([forms, Object.values(operations)]).matchAll(/(?<=[:[{])"([A-Z]\w+)"(?=[\],}])/g)
  const known = new Set(Object.keys(forms))
  const missing = Array.from(names, ([, name]) => name!).filter(
    (name) => !known.has(name) && !['GET', 'POST', 'PATCH', 'DELETE'].includes(name),
  )
  expect(missing).toEqual([])
})
