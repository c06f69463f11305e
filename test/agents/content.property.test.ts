import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agent } from '../../src/agents/agent.js'
import { tool } from '../../src/agents/tool.js'
import { scripted } from '../../src/models/index.js'
import type { ScriptedFailure, ScriptedStep } from '../../src/models/index.js'
import { eager, follow, only, quiet, shownText } from './support.js'

const failure: fc.Arbitrary<ScriptedFailure> = fc.record({
  kind: fc.constantFrom('server', 'connection', 'rate_limit', 'invalid_request'),
  afterDeltas: fc.nat({ max: 4 }),
  times: fc.integer({ min: 1, max: 4 }),
})
const step = fc.record(
  {
    content: fc.string({ unit: 'grapheme', maxLength: 20 }),
    reasoning: fc.string({ maxLength: 10 }),
    chunkSize: fc.integer({ min: 1, max: 5 }),
    fail: failure,
    toolCalls: fc.array(
      fc.record({ name: fc.constantFrom('work', 'fail', 'unknown'), id: fc.constantFrom('a', 'b') }),
      {
        maxLength: 3,
      },
    ),
  },
  { requiredKeys: ['content', 'chunkSize'] },
)
const tools = [
  tool({ name: 'work', execute: () => 'done' }),
  tool({
    name: 'fail',
    execute: () => {
      throw new Error('failed')
    },
  }),
]

describe('whatever the model does', () => {
  it('a reader sees in the end what the run says it has said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (script: ScriptedStep[], other: ScriptedStep[], isGuarded) => {
          const agent = new Agent({
            id: 'a',
            model: [scripted([...script, 'The end.']), scripted([...other, { content: 'At last.', repeat: true }])],
            tools,
            retry: eager,
            ...(isGuarded && { guardrails: { output: [() => undefined] } }),
          })
          const { events, run } = await follow(agent.stream('?', quiet))
          expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index))
          expect(events.filter(({ event }) => /^Run(Completed|Error|Paused|Cancelled)$/.test(event))).toHaveLength(1)
          const [completed] = only(events, 'RunCompleted')
          expect(run.content ?? '').toBe(shownText(events))
          expect(completed?.content).toBe(run.status === 'completed' ? run.content : undefined)
          const started = only(events, 'ToolCallStarted').map(({ tool: { toolCallId } }) => toolCallId)
          const finished = only(events, 'ToolCallCompleted').map(({ tool: { toolCallId } }) => toolCallId)
          expect(new Set(started).size).toBe(started.length)
          expect(finished.toSorted()).toEqual(started.toSorted())
        },
      ),
      { numRuns: 300 },
    )
  })
})
