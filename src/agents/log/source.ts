/** What can be run. */
export type ComponentKind = 'agent' | 'team' | 'workflow'

/** The step of a workflow that a run belongs to. */
export interface InStep {
  workflowId: string
  workflowRunId: string
  stepId: string
  stepName: string
  /** Place of the step, from 0; of one inside of another, the places on the way to it. */
  stepIndex: number | number[]
}

/** Whose events they are: a log holds those of its own run, and of the runs inside of it. */
export interface RunSource {
  runId: string
  sessionId: string
  kind: ComponentKind
  id: string
  name: string
  parentRunId?: string
  step?: InStep
  /** How many workflows are around the outermost one. */
  nestedDepth?: number
}
