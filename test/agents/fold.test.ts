import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../src/agents/log/entry.js'
import { RunFold } from '../../src/agents/log/fold.js'
import { stampEvent } from '../../src/agents/log/stamp.js'

function folded(...entries: LogEntry[]): RunFold {
  const fold = new RunFold()
  for (const [index, entry] of entries.entries()) fold.apply(entry, index, index * 1_000)
  return fold
}
const said = (content: string): LogEntry => ({ event: { event: 'RunContent', content } })
const message = (id: string, content: string) => ({
  id,
  role: 'assistant' as const,
  content,
  reasoningContent: `why ${content}`,
  fromHistory: false,
  stopAfterToolCall: false,
  createdAt: 0,
})
const step = (content: string, isWithheld = false): LogEntry => ({
  event: { event: 'ModelRequestCompleted', model: 'm', modelProvider: 'p' },
  facts: {
    messages: [{ ...message(content, content), metrics: { totalTokens: 3, timeToFirstToken: 0.5 } }],
    isWithheld,
  },
})
const recovered = (discardAfter: number): LogEntry => ({
  event: { event: 'RunRecovered', discardAfter, attempt: 2, reason: 'model_retry' },
})

describe('the fold of a log', () => {
  it('dates a run inside by its first entry, for who has begun it as for who reads of it later', () => {
    const source = { runId: 'inner', sessionId: 's', kind: 'agent', id: 'a', name: 'A', parentRunId: 'outer' } as const
    const nested = { input: { inputContent: 'Go.' } }
    const outer: LogEntry = { event: { event: 'RunStarted' } }
    const inner: LogEntry = { event: { event: 'RunStarted' }, facts: { nested }, source }
    const live = folded(outer)
    live.nested.add(source, nested)
    live.apply(inner, 1, 5_000)
    const read = folded(outer)
    read.apply(inner, 1, 5_000)
    expect(live.nestedRuns(9_000)).toMatchObject([{ createdAt: '1970-01-01T00:00:05Z' }])
    expect(read.nestedRuns(9_000)).toEqual(live.nestedRuns(9_000))
    expect(read.state()).toEqual(live.state())
  })

  it('knows since when something of the answer stands', () => {
    expect(folded({ event: { event: 'RunStarted' } }).contentSince).toBeUndefined()
    expect(folded({ event: { event: 'RunStarted' } }, said('a'), said('b')).contentSince).toBe(1)
    expect(folded(said('a'), said('b'), recovered(0)).contentSince).toBe(0)
    expect(folded(said('a'), said('b'), recovered(-1)).contentSince).toBeUndefined()
    expect(folded(said('a'), recovered(-1), said('b'))).toMatchObject({ contentSince: 2, text: 'b' })
  })

  it('shows no text that an output guardrail may still refuse', () => {
    const fold = folded(step('secret', true))
    expect(fold.messages[0]?.content).toBe('secret')
    expect(fold.body(0).messages).toMatchObject([{ id: 'secret', content: '' }])
    expect(JSON.stringify(fold.body(0))).not.toContain('why')
    fold.apply({ event: { event: 'RunCompleted', content: 'secret', status: 'completed' } }, 1, 0)
    expect(fold.body(0).messages?.[0]).toMatchObject({ content: 'secret', reasoningContent: 'why secret' })
  })

  it('adds up what the requests took, and lends nothing out that it goes on to change', () => {
    const fold = folded({ event: { event: 'RunStarted' } }, step('one'))
    const before = fold.metrics(3_000)
    fold.apply(step('two'), 2, 0)
    expect(before).toMatchObject({ totalTokens: 3, duration: 3, timeToFirstToken: 0.5 })
    expect(before.details?.model).toEqual([{ id: 'm', provider: 'p', totalTokens: 3 }])
    expect(fold.metrics(0).details?.model).toEqual([{ id: 'm', provider: 'p', totalTokens: 6 }])
  })

  it('gathers what the tools have made', () => {
    const made = (id: string): LogEntry => ({
      event: {
        event: 'ToolCallCompleted',
        tool: { toolCallId: id, toolName: 't', stopAfterToolCall: false, createdAt: 0 },
        images: [{ id, url: 'https://a.example' }],
      },
    })
    expect(
      folded(made('a'), made('b'))
        .body(0)
        .images?.map(({ id }) => id),
    ).toEqual(['a', 'b'])
  })
})

describe('stampEvent', () => {
  const source = { runId: 'r', sessionId: 's', kind: 'agent', id: 'a', name: 'A' } as const

  it('says whose event it is, and when and where in the log it was', () => {
    expect(stampEvent({ event: 'RunStarted', model: 'm' }, source, 7, 1_999)).toEqual({
      event: 'RunStarted',
      model: 'm',
      createdAt: 1,
      agentId: 'a',
      agentName: 'A',
      runId: 'r',
      sessionId: 's',
      nestedDepth: 0,
      eventIndex: 7,
    })
  })

  it('is not to be overruled by a custom event', () => {
    const forged = { event: 'CustomEvent' as const, runId: 'x', eventIndex: 0, createdAt: 0, agentId: 'x', mine: 1 }
    expect(stampEvent(forged, { ...source, parentRunId: 'p' }, 7, 1_000)).toMatchObject({
      runId: 'r',
      agentId: 'a',
      parentRunId: 'p',
      eventIndex: 7,
      createdAt: 1,
      mine: 1,
    })
  })
})
