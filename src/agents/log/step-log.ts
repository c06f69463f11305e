import { isWaiting, resolved } from './decision.js'
import type { Decision } from './decision.js'
import type { LogEntry, StepFacts } from './entry.js'
import type { RunEventBody } from './events.js'
import { addMedia, holdsMedia } from './media.js'
import type { Media } from './media.js'
import type { ErrorRequirement, StepOutput, StepRequirement } from './step-record.js'

/** How far one step of a workflow has come. */
export interface StepState {
  stepId: string
  /** Once an event of it was shown. */
  stepName?: string
  /** Times that it was started. */
  starts: number
  /** Times that it has failed. */
  failures: number
  /** Times that it has given something. */
  drafts?: number
  /** It was started, and has not ended since. */
  isRunning?: boolean
  /** Why it has failed last. */
  error?: string
  /** What came of it, as long as somebody is to look at that. */
  draft?: StepOutput
  /** What came of it, once it is over. */
  output?: StepOutput
  /** It gives what it was given. */
  isPassedOver?: true
  /** What it has waited for has not come: it gives null. */
  isMissing?: true
  /** It is inside of no other step. */
  isOutermost?: boolean
  /** What it has found out at its start, and goes by from then on: a choice, a time, a number of items. */
  found?: unknown
}

/** {@link StepLog} as JSON. */
export interface StepLogState {
  steps?: StepState[]
  stepRequirements?: StepRequirement[]
  errorRequirements?: ErrorRequirement[]
}

/** The steps of a workflow, as the events of its log tell them. States are replaced, never changed in place. */
export class StepLog {
  requirements: StepRequirement[]
  errors: ErrorRequirement[]
  private readonly byId: Map<string, StepState>
  private readonly byName = new Map<string, StepOutput>()
  /** Undefined when a step has made something since. */
  private made: Media | undefined

  constructor(state: StepLogState = {}) {
    this.byId = new Map(state.steps?.map((step) => [step.stepId, step]))
    this.requirements = state.stepRequirements ?? []
    this.errors = state.errorRequirements ?? []
    for (const { output } of this.byId.values()) this.count(output)
  }

  get(stepId: string): StepState | undefined {
    return this.byId.get(stepId)
  }

  /** What came of the steps that are over, by name; of several with one name, of the last. */
  get named(): ReadonlyMap<string, StepOutput> {
    return this.byName
  }

  /** What the steps that are over have made, in the order in which they ended. */
  get media(): Media {
    if (this.made) return this.made
    this.made = {}
    for (const output of this.all) addMedia(this.made, output)
    return this.made
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
    this.place(event)
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
        this.change(event.stepId, ({ drafts = 0 }) => ({
          drafts: drafts + 1,
          isRunning: false,
          draft: event.stepResponse,
        }))
        break
      case 'RunPaused': {
        const { stepRequirements, errorRequirements } = event.workflow ?? {}
        if (stepRequirements) this.requirements = stepRequirements
        if (errorRequirements) this.errors = errorRequirements
        break
      }
      case 'RunCancelled':
        this.cutOff()
        break
      default:
    }
    if (facts?.step) this.learn(event, facts.step)
    for (const decision of facts?.decisions ?? []) this.decide(decision)
  }

  /** Nothing for a run that has no steps. */
  state(): StepLogState {
    if (this.byId.size + this.requirements.length + this.errors.length === 0) return {}
    return {
      steps: [...this.byId.values()],
      stepRequirements: this.requirements,
      errorRequirements: this.errors,
    }
  }

  /** Which step an event is about, and whether that is inside of another. */
  private place(event: RunEventBody): void {
    const about = event.event === 'RunContinued' ? event.step : event
    if (!about || !('stepName' in about) || typeof about.stepName !== 'string' || !BEGINS.has(about.event)) return
    const { stepId, stepName, parentStepId } = about as { stepId?: string; stepName: string; parentStepId?: string }
    if (stepId === undefined || this.byId.get(stepId)?.stepName !== undefined) return
    this.change(stepId, () => ({ stepName, isOutermost: parentStepId === undefined }))
  }

  private learn(event: RunEventBody, { stepId, output, isOver, isPassedOver, isMissing, found }: StepFacts): void {
    const before = this.byId.get(stepId)?.output
    const whole = isOver ? outputOf(event) : output && wholeOf(event, output)
    this.change(stepId, () => ({
      ...(whole && { output: whole, draft: undefined, isRunning: false }),
      ...(isPassedOver && { isPassedOver }),
      ...(isMissing && { isMissing }),
      ...(found !== undefined && { found }),
    }))
    this.count(whole, before)
  }

  private count(output: StepOutput | undefined, before?: StepOutput): void {
    if (output?.stepName !== undefined) this.byName.set(output.stepName, output)
    if (holdsMedia(output ?? {}) || holdsMedia(before ?? {})) this.made = undefined
  }

  /** The steps that were at work when the run was cancelled. */
  private cutOff(): void {
    for (const { stepId, stepName, isOutermost, isRunning } of this.open) {
      if (stepName === undefined || !(isOutermost || isRunning)) continue
      const output = { stepName, stepId, success: false, error: CUT_OFF, stop: false, isPaused: false }
      this.change(stepId, () => ({ output, draft: undefined, isRunning: false }))
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
    const { toolCallId, kind } = decision
    const [stepId, gate] = toolCallId.split(GATE)
    if (gate?.startsWith(FAILED)) {
      const last = this.errors.findLastIndex((one) => one.stepId === stepId)
      const made = kind === 'reject' ? 'skip' : 'retry'
      this.errors = this.errors.map((one, at) => (at === last ? { ...one, decision: made } : one))
      return
    }
    const last = this.requirements.findLastIndex((one) => one.stepId === stepId)
    this.requirements = this.requirements.map((one, at) => {
      if (at === last && gate !== undefined) return decidedStep(one, decision)
      const { executorRequirements: asked } = one
      const isAsked = asked?.some(({ toolExecution }) => toolExecution.toolCallId === toolCallId)
      if (!asked || !isAsked) return one
      const after = asked.map((each) =>
        each.toolExecution.toolCallId === toolCallId ? resolved(each, decision) : each,
      )
      return { ...one, executorRequirements: after }
    })
  }
}

/** Stands between the id of a step and what is asked about it, in the id of what the run waits for. */
export const GATE = '::'
/** What is asked about a step that has failed begins with it. */
export const FAILED = 'failed#'

const CUT_OFF = 'Cancelled during execution'

/** With these a step begins, or ends that was not begun. */
const BEGINS = new Set<string>([
  'StepStarted',
  'StepCompleted',
  'StepsExecutionStarted',
  'ParallelExecutionStarted',
  'ConditionExecutionStarted',
  'RouterExecutionStarted',
  'LoopExecutionStarted',
  'MapExecutionStarted',
  'SleepStarted',
  'WaitForEventStarted',
] satisfies RunEventBody['event'][])

function outputOf(event: RunEventBody): StepOutput | undefined {
  if (event.event === 'StepCompleted') return event.stepResponse
  return event.event === 'StepOutput' ? event.stepOutput : undefined
}

function wholeOf(event: RunEventBody, output: StepOutput): StepOutput {
  if (event.event === 'LoopExecutionCompleted') return { ...output, steps: event.allResults.flat() }
  return 'stepResults' in event && event.stepResults ? { ...output, steps: event.stepResults as StepOutput[] } : output
}

/** Whether somebody is still to say something about the step. */
export function isOpen(requirement: StepRequirement): boolean {
  const { confirmed, executorRequirements, requiresRouteSelection, selectedChoices } = requirement
  if (executorRequirements) return executorRequirements.some(({ toolExecution }) => isWaiting(toolExecution))
  if (confirmed !== null) return false
  if (requiresRouteSelection) return selectedChoices === undefined
  return requirement.requiresUserInput ? requirement.userInput === undefined : true
}

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
