import type { RunApprovals } from '../approvals/run-approvals.js'
import type { StoredApproval } from '../approvals/approval-repository.js'
import type { LogEntry } from '../agents/log/entry.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Delivery } from '../webhooks/delivery.js'
import type { WebhookOutbox } from '../webhooks/webhook-outbox.js'
import type { AppendUnit, RunHead } from './run-repository.js'
import type { RunRequest } from './run-request.js'

/** How the leg ends, in the segment that ends it. */
export type LegEnd = NonNullable<AppendUnit['end']>

/** Who is told of the ends of legs, where the host has asked for that. */
export interface LegWitnesses {
  approvals?: RunApprovals
  webhooks?: WebhookOutbox
}

/** A pause with its approval. */
export interface GatedPause {
  entry: LogEntry
  approval?: StoredApproval
  deliveries: Delivery[]
}

/** The run whose leg ends. */
export interface EndingRun {
  runId: string
  request: Pick<RunRequest, 'webhook'>
}

/** What is stored with the end of a leg: nothing further, unless the run has approvals or a webhook. */
export function legEnd(
  { webhooks }: LegWitnesses,
  { runId, request: { webhook } }: EndingRun,
  fold: RunFold,
  status: LegEnd['status'],
  at: number,
  pause?: GatedPause,
): LegEnd {
  const end: LegEnd = { status, usage: fold.legUsage }
  if (status === 'paused' && fold.wakeAt !== undefined) end.wakeAt = fold.wakeAt
  if (status !== 'paused' && hasApproval(fold)) end.closesApprovals = true
  if (status === 'paused' && pause?.approval) end.approval = pause.approval
  const deliveries = status === 'paused' ? [...(pause?.deliveries ?? [])] : []
  if (webhook && webhooks) deliveries.push(webhooks.ofRun(webhook, { runId, status, eventIndex: fold.lastIndex, at }))
  if (deliveries.length > 0) end.deliveries = deliveries
  return end
}

function hasApproval({ tools, requirements }: RunFold): boolean {
  const calls = [...tools, ...requirements.map(({ toolExecution }) => toolExecution)]
  return calls.some(({ approvalId }) => approvalId !== undefined)
}

/** Called once the end is stored. */
export function tellOfEnd({ approvals, webhooks }: LegWitnesses, { approval, deliveries }: LegEnd): void {
  if (approval) approvals?.paused(approval)
  if (deliveries) webhooks?.wake()
}

/** The run as its approvals name it. */
export function pausedRun(
  head: Pick<RunHead, 'runId' | 'sessionId' | 'userId'>,
  { kind, id, name }: RunHead['component'],
  { caller }: Pick<RunRequest, 'caller'>,
) {
  const { runId, sessionId, userId } = head
  return {
    runId,
    sessionId,
    ...(userId !== undefined && { userId }),
    ...(caller.userId !== undefined && { startedBy: caller.userId }),
    source: { type: kind, id, name },
  }
}
