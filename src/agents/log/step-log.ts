import type { Decision } from './decision.js'
import type { LogEntry } from './entry.js'
import type { ErrorRequirement, StepOutput, StepRequirement } from './step-record.js'

/** How far one step of a workflow has come. */
export interface StepState {
  stepId: string
  /** Times that it was started. */
  starts: number
  /** Times that it has failed. */
  failures: number
  /** It was started, and has not ended since. */
  isRunning?: boolean
  /** Why it has failed last. */
  error?: string
  /** What came of it, as long as somebody is to look at that. */
  draft?: StepOutput
  /** What came of it, once it is over. */
  output?: StepOutput
  /** It is inside of no other step. */
  isOutermost?: true
  /** What it has found out at its start, and goes by from then on: a choice, a time, a number of items. */
  found?: unknown
}

/** {@link StepLog} as JSON. */
export interface StepLogState {
  steps?: StepState[]
  stepRequirements?: StepRequirement[]
  errorRequirements?: ErrorRequirement[]
  /** Ids of events from outside that a step has taken. */
  takenEvents?: string[]
}

/** The steps of a workflow, as the events of its log tell them. States are replaced, never changed in place. */
export class StepLog {
  requirements: StepRequirement[]
  errors: ErrorRequirement[]
  private readonly byId: Map<string, StepState>
  private readonly taken: Set<string>

  constructor(state: StepLogState = {}) {
    this.byId = new Map(state.steps?.map((step) => [step.stepId, step]))
    this.requirements = state.stepRequirements ?? []
    this.errors = state.errorRequirements ?? []
    this.taken = new Set(state.takenEvents)
  }

  get(stepId: string): StepState | undefined {
    return this.byId.get(stepId)
  }

  hasTaken(eventId: string): boolean {
    return this.taken.has(eventId)
  }

  /** What came of all steps that are over, in the order in which they ended. */
  get all(): StepOutput[] {
    return [...this.byId.values()].flatMap(({ output }) => output ?? [])
  }

  /** What came of the outermost steps, in the order in which they ended. */
  get results(): StepOutput[] {
    return [...this.byId.values()].flatMap(({ output, isOutermost }) => (output && isOutermost ? output : []))
  }

  /** Those that have begun and are not over. */
  get open(): StepState[] {
    return [...this.byId.values()].filter(({ output }) => output === undefined)
  }

  apply({ event, facts }: LogEntry): void {
    switch (event.event) {
      case 'StepStarted':
        this.change(event.stepId, ({ starts }) => ({ starts: starts + 1, isRunning: true, draft: undefined }))
        break
      case 'StepError':
        this.change(event.stepId, ({ failures }) => ({
          failures: failures + 1,
          isRunning: false,
          error: event.error,
        }))
        break
      case 'StepCompleted':
        this.change(event.stepId, () => ({ isRunning: false, draft: event.stepResponse }))
        break
      case 'RunPaused': {
        const { stepRequirements, errorRequirements } = event.workflow ?? {}
        if (stepRequirements) this.requirements = stepRequirements
        if (errorRequirements) this.errors = errorRequirements
        break
      }
      default:
    }
    if (facts?.step) {
      const { stepId, output, found, takenEvent, isOutermost } = facts.step
      this.change(stepId, () => ({
        ...(output && { output }),
        ...(found !== undefined && { found }),
        ...(isOutermost && { isOutermost }),
      }))
      if (takenEvent !== undefined) this.taken.add(takenEvent)
    }
    for (const decision of facts?.decisions ?? []) this.decide(decision)
  }

  /** Nothing for a run that has no steps. */
  state(): StepLogState {
    if (this.byId.size === 0) return {}
    return {
      steps: [...this.byId.values()],
      stepRequirements: this.requirements,
      errorRequirements: this.errors,
      takenEvents: [...this.taken],
    }
  }

  private change(stepId: string | undefined, change: (before: StepState) => Partial<StepState>): void {
    if (stepId === undefined) return
    const before = this.byId.get(stepId) ?? { stepId, starts: 0, failures: 0 }
    const after = { ...before, ...change(before) }
    // Steps stand in the order in which they ended, once they have.
    if (after.output && !before.output) this.byId.delete(stepId)
    this.byId.set(stepId, after)
  }

  private decide(decision: Decision): void {
    const [stepId] = decision.toolCallId.split(GATE)
    const last = this.requirements.findLastIndex((one) => one.stepId === stepId)
    this.requirements = this.requirements.map((one, at) => (at === last ? decidedStep(one, decision) : one))
    const lastError = this.errors.findLastIndex((one) => one.stepId === stepId && one.decision === undefined)
    this.errors = this.errors.map((one, at) =>
      at === lastError ? { ...one, decision: decision.kind === 'reject' ? 'skip' : 'retry' } : one,
    )
  }
}

/** Stands between the id of a step and what is asked about it, in the id of what the run waits for. */
export const GATE = '::'

function decidedStep(requirement: StepRequirement, decision: Decision): StepRequirement {
  switch (decision.kind) {
    case 'confirm': {
      const edited = decision.editedArgs?.output
      return { ...requirement, confirmed: true, ...(edited !== undefined && { editedOutput: edited }) }
    }
    case 'reject':
      return {
        ...requirement,
        confirmed: false,
        ...(decision.note !== undefined && { rejectionFeedback: decision.note }),
      }
    case 'input': {
      if (!requirement.requiresRouteSelection) return { ...requirement, userInput: { ...decision.values } }
      return { ...requirement, selectedChoices: decision.values.selected_choices as string[] }
    }
    case 'external':
      return requirement
  }
}
