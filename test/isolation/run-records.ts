import type { Component, Ledger, RunRow, Wait } from './ledger.js'

/** What an admin is shown of a run, as far as it is looked at. */
export interface RunRecord {
  status?: string
  pause_kind?: string
  requirements?: { id: string }[]
  step_requirements?: {
    step_id: string
    requires_user_input: boolean
    executor_requirements?: { id: string }[]
  }[]
  error_requirements?: { step_id: string }[]
}

export interface ApprovalRecord {
  id: string
  session_id: string
  status: string
}

/** Where an admin finds a run. One that is inside of another is not at its component's. */
export function pathOf({ id, sessionId, parentId, component: { kind, id: componentId } }: RunRow): string {
  const runId = encodeURIComponent(id)
  return parentId === undefined
    ? `/${kind}s/${componentId}/runs/${runId}`
    : `/sessions/${encodeURIComponent(sessionId)}/runs/${runId}`
}

/** What a run has started belongs to whoever the run belongs to. */
export function learnOf(ledger: Ledger, run: RunRow, record: RunRecord): void {
  run.isPaused = record.status === 'paused'
  run.requirementIds = (record.requirements ?? []).map(({ id }) => id)
  run.waits = [
    ...(record.step_requirements ?? []).map((step): Wait => {
      const asks = step.executor_requirements ? 'executor' : step.requires_user_input ? 'input' : 'confirmation'
      const requirementIds = (step.executor_requirements ?? []).map(({ id }) => id)
      return { stepId: step.step_id, isError: false, asks, requirementIds }
    }),
    ...(record.error_requirements ?? []).map(({ step_id: stepId }): Wait => {
      return { stepId, isError: true, asks: 'confirmation', requirementIds: [] }
    }),
  ]
  for (const { id, parentId, component } of runsInside(record)) {
    const { owner, sessionId } = run
    if (!ledger.runs.has(id)) ledger.add({ kind: 'run', id, owner, sessionId, component, parentId })
  }
}

interface RunInside {
  id: string
  parentId: string
  component: Component
}

function runsInside(value: unknown): RunInside[] {
  if (typeof value !== 'object' || value === null) return []
  const { run_id: id, parent_run_id: parentId, ...rest } = value as Record<string, unknown>
  const inside = Object.values(rest).flatMap(runsInside)
  if (typeof id !== 'string' || typeof parentId !== 'string') return inside
  const kind = (['agent', 'team', 'workflow'] as const).find((one) => typeof rest[`${one}_id`] === 'string')
  return kind ? [{ id, parentId, component: { kind, id: rest[`${kind}_id`] as string } }, ...inside] : inside
}
