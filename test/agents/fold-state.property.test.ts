import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agent } from '../../src/agents/agent.js'
import type { LogEntry } from '../../src/agents/log/entry.js'
import { RunFold } from '../../src/agents/log/fold.js'
import type { FoldState } from '../../src/agents/log/fold-state.js'
import type { Message } from '../../src/agents/log/message.js'
import { stampEvent } from '../../src/agents/log/stamp.js'
import type { ToolExecution } from '../../src/agents/log/tool-execution.js'
import { tool } from '../../src/agents/tool.js'
import type { StoredSnapshot } from '../../src/runs/run-repository.js'
import { fromSnapshots, toSnapshot } from '../../src/runs/snapshot.js'
import { StoredMedia } from '../../src/runs/stored-media.js'
import { scripted } from '../../src/models/index.js'
import { batchesOf, contextOf, eager, quiet, shownText } from './support.js'

const source = { runId: 'r', sessionId: 's', kind: 'agent', id: 'a', name: 'A' } as const
const callId = fc.constantFrom('a', 'b', 'c')
const text = fc.string({ maxLength: 5 })
const media = { images: [{ id: 'i', url: 'https://a.example' }] }
const execution = fc.record<ToolExecution>(
  {
    toolCallId: callId,
    toolName: fc.constant('t'),
    result: text,
    requiresConfirmation: fc.constant(true),
    stopAfterToolCall: fc.constant(false),
    createdAt: fc.constant(0),
  },
  { requiredKeys: ['toolCallId', 'toolName', 'stopAfterToolCall', 'createdAt'] },
)
const message = fc.record<Message>(
  {
    id: fc.uuid(),
    role: fc.constantFrom('user', 'assistant'),
    content: text,
    toolCalls: fc.array(
      callId.map((id) => ({ id, type: 'function' as const, function: { name: 't', arguments: '{}' } })),
      { maxLength: 2 },
    ),
    metrics: fc.record({ totalTokens: fc.nat(9), inputTokens: fc.nat(9) }),
    fromHistory: fc.constant(false),
    stopAfterToolCall: fc.constant(false),
    createdAt: fc.constant(0),
  },
  { requiredKeys: ['id', 'role', 'fromHistory', 'stopAfterToolCall', 'createdAt'] },
) as fc.Arbitrary<Message>
const requirement = execution.map((toolExecution) => ({
  id: toolExecution.toolCallId,
  createdAt: '2026-01-01T00:00:00Z',
  toolExecution,
  needsConfirmation: true,
  needsUserInput: false,
}))
/** Steps of a workflow, some inside of others; each is told of by the events of any kind. */
const stepId = fc.constantFrom('a', 'a/b', 'a#1/b', 'c')
const stepOutput = fc.record(
  {
    stepName: fc.constantFrom('a', 'b', 'c'),
    content: text,
    images: fc.constant(media.images),
    success: fc.boolean(),
    stop: fc.boolean(),
    isPaused: fc.constant(false),
  },
  { requiredKeys: ['success', 'stop', 'isPaused'] },
)
const stepRequirement = stepId.map((id) => ({
  stepId: id,
  requiresConfirmation: true,
  confirmed: null,
  onReject: 'cancel' as const,
  requiresUserInput: false,
  requiresRouteSelection: false,
  allowMultipleSelections: false,
  requiresOutputReview: false,
  isPostExecution: false,
  retryCount: 0,
  onTimeout: 'cancel' as const,
}))
const failedStep = stepId.map((id) => ({ stepId: id, errorMessage: 'no', retryCount: 0 }))
const ofSteps: fc.Arbitrary<LogEntry>[] = [
  stepEntry({ event: fc.constant('StepStarted' as const) }),
  stepEntry({ event: fc.constant('StepError' as const), error: text }),
  stepEntry({ event: fc.constant('StepOutput' as const), stepOutput }),
  stepEntry({ event: fc.constant('StepCompleted' as const), stepResponse: stepOutput }),
  stepEntry({
    event: fc.constant('StepPaused' as const),
    requiresConfirmation: fc.constant(true),
    requiresUserInput: fc.constant(false),
  }),
  stepEntry({ event: fc.constant('ParallelExecutionStarted' as const), parallelStepCount: fc.constant(2) }),
  stepEntry({
    event: fc.constant('ParallelExecutionCompleted' as const),
    parallelStepCount: fc.constant(2),
    stepResults: fc.array(stepOutput, { maxLength: 2 }),
  }),
  stepEntry({
    event: fc.constant('LoopIterationStarted' as const),
    iteration: fc.nat(3),
    maxIterations: fc.constant(3),
  }),
  stepEntry({
    event: fc.constant('LoopExecutionCompleted' as const),
    totalIterations: fc.constant(1),
    maxIterations: fc.constant(3),
    allResults: fc.array(fc.array(stepOutput, { maxLength: 2 }), { maxLength: 2 }),
  }),
  stepEntry({ event: fc.constant('SleepStarted' as const), resumeAt: fc.constant(1) }),
  stepEntry({ event: fc.constant('SleepCompleted' as const), resumeAt: fc.constant(1) }),
  stepEntry({ event: fc.constant('WaitForEventCompleted' as const), eventName: fc.constant('paid') }),
  stepId.map((id) => ({
    event: { event: 'RunContinued', step: { event: 'StepContinued', stepId: id, stepName: 'a', stepIndex: 0 } },
  })),
  fc
    .record({
      requirements: fc.array(stepRequirement, { maxLength: 3 }),
      failed: fc.array(failedStep, { maxLength: 2 }),
    })
    .map(({ requirements, failed }) => ({
      event: {
        event: 'RunPaused',
        requirements: [],
        workflow: { pauseKind: 'step', stepRequirements: requirements, errorRequirements: failed },
      },
    })),
]

/** An event of a step, with what the log knows of the step from then on. */
function stepEntry(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<LogEntry> {
  const known = fc.record(
    {
      output: stepOutput,
      isOver: fc.constant(true as const),
      isPassedOver: fc.constant(true as const),
      isMissing: fc.constant(true as const),
      found: fc.constantFrom(true, 'x', 3),
      takenEvent: fc.integer({ min: 1, max: 6 }),
      eventsTakenUpTo: fc.nat(4),
    },
    { requiredKeys: [] },
  )
  return fc
    .tuple(fc.record(fields), stepId, fc.boolean(), fc.option(known, { nil: undefined }))
    .map(([event, id, isInside, facts]) => ({
      event: { ...event, stepId: id, stepName: id.at(-1), stepIndex: 0, ...(isInside && { parentStepId: 'a' }) },
      ...(facts && { facts: { step: { stepId: id, ...facts } } }),
    })) as unknown as fc.Arbitrary<LogEntry>
}

const messages = fc.array(message, { maxLength: 3 })

/** Whatever a log may say, in any order: what a fold makes of it must not depend on where it was restored. */
const entries: fc.Arbitrary<LogEntry>[] = [
  fc.record({ event: fc.constant({ event: 'RunStarted' as const, model: 'm' }), facts: facts() }),
  fc.record({ event: fc.record({ event: fc.constant('RunContent' as const), content: text, reasoningContent: text }) }),
  fc.constant({ event: { event: 'RunContent', content: { answer: 1 }, contentType: 'dict' } }),
  fc
    .integer({ min: -1, max: 12 })
    .map((discardAfter) => ({ event: { event: 'RunRecovered', discardAfter, attempt: 2, reason: 'crash' } })),
  fc.record({ event: fc.constant({ event: 'ModelRequestStarted' as const }), facts: facts() }),
  fc.record({
    event: fc.constant({ event: 'ModelRequestCompleted' as const, model: 'm', modelProvider: 'p' }),
    facts: facts(),
  }),
  execution.map((tool) => ({ event: { event: 'ToolCallStarted', tool } })),
  execution.map((tool) => ({ event: { event: 'ToolCallCompleted', tool, ...media }, facts: { toolMessageId: 'm' } })),
  execution.map((tool) => ({ event: { event: 'ToolCallError', tool, error: 'no' } })),
  fc.record({ event: fc.constant({ event: 'RunContinued' as const }), facts: facts() }),
  fc.array(requirement, { maxLength: 3 }).map((requirements) => ({ event: { event: 'RunPaused', requirements } })),
  fc.constant({ event: { event: 'RunError', content: 'no', errorCode: 'TOOL_FAILED', retryable: false } }),
  fc.constant({ event: { event: 'RunCancelled' } }),
  text.map((content) => ({ event: { event: 'RunCompleted', content, status: 'completed' } })),
]

/** Runs inside of the log's own: two of them, and one inside of the first. */
const sources = [
  { runId: 'm1', sessionId: 's', kind: 'team', id: 'a', name: 'A', parentRunId: 'r' },
  { runId: 'm2', sessionId: 's', kind: 'agent', id: 'b', name: 'B', parentRunId: 'r' },
  { runId: 'm3', sessionId: 's', kind: 'agent', id: 'c', name: 'C', parentRunId: 'm1' },
] as const
const start = fc.record({ input: fc.record({ inputContent: text }), toolCallId: callId })
entries.push(...ofSteps)
const ofMembers: fc.Arbitrary<LogEntry>[] = [
  ...entries,
  fc
    .record({ title: text, status: fc.constantFrom('pending' as const, 'completed' as const) })
    .map((task) => ({ event: { event: 'TaskCreated' as const, taskId: 't', dependencies: [], ...task } })),
  fc
    .integer({ min: 1, max: 3 })
    .map((iteration) => ({ event: { event: 'TaskIterationStarted' as const, iteration, maxIterations: 3 } })),
]
entries.push(
  ...sources.map((source) =>
    fc
      .tuple(fc.oneof(...ofMembers), start)
      .map(([entry, nested]): LogEntry => ({ ...entry, facts: { ...entry.facts, nested }, source })),
  ),
  ...ofMembers.slice(entries.length),
)

function facts() {
  return fc.record(
    {
      messages,
      isWithheld: fc.boolean(),
      historyRunIds: fc.constant<string[]>(['r0']),
      decisions: fc.array(
        fc.record({ toolCallId: callId, kind: fc.constant('confirm' as const), editedArgs: fc.constant({ a: 1 }) }),
        { maxLength: 2 },
      ),
      keptMessages: fc.nat(5),
      inputs: fc.array(fc.record({ inputContent: text }), { maxLength: 2 }),
      origin: fc.constant({ forkedFromRunId: 'r0' }),
      inherited: fc.record({
        tools: fc.array(execution, { maxLength: 2 }),
        requirements: fc.array(requirement, { maxLength: 2 }),
        withheld: fc.constant<string[]>(['x']),
      }),
      replaces: fc.constant('r0'),
    },
    { requiredKeys: [] },
  )
}

function folded(entries: readonly LogEntry[], from: number, fold = new RunFold()): RunFold {
  entries.slice(from).forEach((one, offset) => fold.apply(one, from + offset, (from + offset) * 1_000))
  return fold
}

/** The fold as a reader gets it that begins with a snapshot from after so many entries. */
function restored(entries: readonly LogEntry[], cut: number): RunFold {
  const before = folded(entries.slice(0, cut), 0)
  const stored = JSON.stringify(before.state())
  // What is folded further must not reach into what was taken.
  const state = before.state()
  folded(entries, cut, before)
  expect(JSON.stringify(state)).toBe(stored)
  return folded(entries, cut, new RunFold(JSON.parse(stored) as FoldState))
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function expectSame(one: RunFold, other: RunFold): void {
  expect(plain(one.state())).toEqual(plain(other.state()))
  expect(plain(one.body(99_000))).toEqual(plain(other.body(99_000)))
  expect(one.beforeOpenStep).toBe(other.beforeOpenStep)
  expect(one.openText).toBe(other.openText)
  const taken = (fold: RunFold) => {
    const copy = new RunFold(plain(fold.state()) as FoldState)
    return ['a', 'b', 'c'].filter((id) => !copy.claimCall(id))
  }
  expect(taken(one)).toEqual(taken(other))
}

describe('a fold that is restored in the middle of a log', () => {
  it('comes to what the whole log does, whatever the log says and wherever it was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...entries), { maxLength: 14 }), fc.nat(), (told, at) => {
        const log = plain(told) as LogEntry[]
        const cut = at % (log.length + 1)
        expectSame(restored(log, cut), folded(log, 0))
      }),
      { numRuns: 2_000 },
    )
  })

  it('comes to the same from snapshots that build on each other', async () => {
    const media = new StoredMedia({ put: () => Promise.resolve(), get: () => Promise.resolve(new Map()) })
    const log = fc.array(fc.oneof(...entries), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(log, fc.array(fc.nat(19), { maxLength: 4 }), async (told, cuts) => {
        const all = plain(told) as LogEntry[]
        const stored: StoredSnapshot[] = []
        // Each is taken by a fold that was itself restored, or by the one that took the last.
        let fold = new RunFold()
        let last: FoldState | undefined
        for (const [at, cut] of [...new Set(cuts)]
          .filter((one) => one < all.length)
          .toSorted((a, b) => a - b)
          .entries()) {
          folded(all.slice(0, cut + 1), fold.lastIndex + 1, fold)
          const state = fold.state()
          stored.push({ lastIndex: cut, text: await toSnapshot('r', last, state, media) })
          last = state
          if (at % 2 === 0) {
            fold = (await fromSnapshots(stored, 'r', media))!
            last = fold.restoredFrom
          }
        }
        const restoredFold = (await fromSnapshots(stored, 'r', media)) ?? new RunFold()
        expectSame(folded(all, restoredFold.lastIndex + 1, restoredFold), folded(all, 0))
      }),
      { numRuns: 1_000 },
    )
  })

  it('says what readers of the events have before them', async () => {
    const step = fc.record(
      {
        content: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
        chunkSize: fc.integer({ min: 1, max: 4 }),
        fail: fc.record({ kind: fc.constant('server' as const), afterDeltas: fc.nat(3), times: fc.constant(1) }),
        toolCalls: fc.array(fc.constant({ name: 'work' }), { maxLength: 2 }),
      },
      { requiredKeys: ['content', 'chunkSize'] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (script) => {
        const agent = new Agent({
          id: 'a',
          model: scripted([...script, 'The end.']),
          tools: [tool({ name: 'work', execute: () => 'done' })],
          retry: eager,
        })
        const log = plain((await batchesOf(agent, contextOf([], { logger: quiet.logger! }))).flat()) as LogEntry[]
        const events = log.map(({ event }, index) => stampEvent(event, source, index, 0))
        const whole = folded(log, 0)
        for (let cut = 0; cut <= log.length; cut++) {
          const fold = restored(log, cut)
          expectSame(fold, whole)
          expect(fold.text).toBe(shownText(events))
        }
      }),
      { numRuns: 100 },
    )
  })
})
