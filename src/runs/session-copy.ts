import { withoutApproval } from '../approvals/pause-approval.js'
import type { Facts, Origin } from '../agents/log/entry.js'
import type { RunEventBody } from '../agents/log/events.js'
import { addUsage } from '../agents/log/metrics.js'
import type { TokenCounts } from '../agents/log/metrics.js'
import type { RunBody } from '../agents/log/run-record.js'
import { newId } from '../core/ids.js'
import { RenamedRuns } from './renamed-runs.js'
import type { Segment } from './run-repository.js'
import { fromSegment, toSegment } from './segment.js'
import type { PlacedEntry } from './segment.js'

/**
 * Makes copies of a session's runs under new ids: what names another run of the session names that one's copy. It does
 * no more than rewrite texts, so that a storage can copy a session in one transaction.
 */
export class SessionCopy {
  /** What the copied runs have used together. */
  readonly usage: TokenCounts = {}
  private readonly ids = new Map<string, string>()
  private readonly renamed: RenamedRuns

  constructor(
    private readonly fromSessionId: string,
    toSessionId: string,
  ) {
    this.renamed = new RenamedRuns((runId) => this.idOf(runId) ?? runId, toSessionId)
  }

  /** The id of a run's copy, which is made with the first call. Runs are added before any text is copied. */
  add(runId: string): string {
    const id = this.ids.get(runId) ?? newId('run')
    this.ids.set(runId, id)
    return id
  }

  /** The copy's id; undefined for a run that is not copied. */
  idOf(runId: string): string | undefined {
    return this.ids.get(runId)
  }

  /** A run's record, as JSON text. */
  body(text: string): string {
    const body = JSON.parse(text) as RunBody
    addUsage(this.usage, body.metrics ?? {})
    return JSON.stringify({ ...this.renamed.body(body), ...this.origin(body) })
  }

  segment(segment: Segment): Segment {
    return toSegment(
      fromSegment(segment).map((placed) => this.placed(placed)),
      segment.attempt,
    )
  }

  private placed(placed: PlacedEntry): PlacedEntry {
    const { index, entry } = placed
    const event = this.event(entry.event)
    const isFirst = index === 0 || entry.facts?.nested !== undefined
    const facts = entry.facts || isFirst ? this.facts(entry.facts ?? {}, isFirst) : undefined
    const source = entry.source && this.renamed.source(entry.source)
    return { ...placed, entry: { event, ...(facts && { facts }), ...(source && { source }) } }
  }

  private event(original: RunEventBody): RunEventBody {
    const event = this.renamed.event(original)
    if (event.event === 'ToolCallStarted') return { ...event, tool: withoutApproval(event.tool) }
    if (event.event !== 'RunPaused' || !event.tools) return event
    return { ...event, tools: event.tools.map(withoutApproval) }
  }

  private facts({ replaces, ...facts }: Facts, isFirst: boolean): Facts {
    const { historyRunIds, inherited, origin, decisions } = facts
    const superseded = replaces === undefined ? undefined : this.idOf(replaces)
    return {
      ...facts,
      ...(historyRunIds && { historyRunIds: historyRunIds.map((runId) => this.idOf(runId) ?? runId) }),
      ...(decisions && {
        decisions: decisions.map(({ approvalId: _id, approval: _approval, ...decision }) => decision),
      }),
      ...(inherited && {
        inherited: {
          ...inherited,
          tools: inherited.tools.map((tool) => this.renamed.tool(withoutApproval(tool))),
          requirements: inherited.requirements.map((one) => this.renamed.requirement(one)),
        },
      }),
      // Else a copy that is continued would supersede a run of the session that it was copied from.
      ...(superseded !== undefined && { replaces: superseded }),
      ...((isFirst || origin) && { origin: this.origin(origin ?? {}) }),
    }
  }

  private origin({ forkedFromRunId, forkedFromMessageIndex, forkedFromSessionId, regeneratedFrom }: Origin): Origin {
    return {
      ...(forkedFromRunId !== undefined && { forkedFromRunId: this.idOf(forkedFromRunId) ?? forkedFromRunId }),
      ...(forkedFromMessageIndex !== undefined && { forkedFromMessageIndex }),
      ...(regeneratedFrom !== undefined && { regeneratedFrom: this.idOf(regeneratedFrom) ?? regeneratedFrom }),
      // The oldest ancestor.
      forkedFromSessionId: forkedFromSessionId ?? this.fromSessionId,
    }
  }
}
