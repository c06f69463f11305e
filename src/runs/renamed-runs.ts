import type { RunEventBody } from '../agents/log/events.js'
import type { Run, RunBody } from '../agents/log/run-record.js'
import type { RunSource } from '../agents/log/source.js'
import type { StepOutput, StepRequirement } from '../agents/log/step-record.js'
import type { RunRequirement, ToolExecution } from '../agents/log/tool-execution.js'

/** Where records name runs, beside their own id. Each is optional in every record that has it. */
interface Naming {
  tool?: ToolExecution
  tools?: ToolExecution[]
  requirements?: RunRequirement[]
  executorRequirements?: RunRequirement[]
  executorRunId?: string
  executorSessionId?: string
  nestedRuns?: Run[]
  memberResponses?: Run[]
  stepExecutorRuns?: Run[]
  stepOutput?: StepOutput
  stepResponse?: StepOutput
  stepResults?: StepOutput[]
  iterationResults?: StepOutput[]
  allResults?: StepOutput[][]
  stepRequirements?: StepRequirement[]
}

/**
 * Rewrites the ids of runs and of their session in what is stored of them. What belongs to the user (arguments,
 * contents, state) passes untouched, whatever it looks like.
 */
export class RenamedRuns {
  /**
   * @param idOf the new id of a run; the same for one that keeps its own.
   * @param sessionId of the session that they belong to from now on.
   */
  constructor(
    private readonly idOf: (runId: string) => string,
    private readonly sessionId: string,
  ) {}

  source(source: RunSource): RunSource {
    const { runId, parentRunId, step } = source
    return {
      ...source,
      runId: this.idOf(runId),
      sessionId: this.sessionId,
      ...(parentRunId !== undefined && { parentRunId: this.idOf(parentRunId) }),
      ...(step && { step: { ...step, workflowRunId: this.idOf(step.workflowRunId) } }),
    }
  }

  event(event: RunEventBody): RunEventBody {
    if (event.event === 'CustomEvent') return event
    const renamed = this.named(event as Naming) as RunEventBody
    if (renamed.event === 'RunPaused' && renamed.workflow) {
      return { ...renamed, workflow: this.named(renamed.workflow) }
    }
    if (renamed.event !== 'RunContinued' || !renamed.step) return renamed
    return { ...renamed, step: this.named(renamed.step as Naming) as NonNullable<typeof renamed.step> }
  }

  body(body: RunBody): RunBody {
    return this.named(body)
  }

  tool<Call extends ToolExecution>(tool: Call): Call {
    return tool.childRunId === undefined ? tool : { ...tool, childRunId: this.idOf(tool.childRunId) }
  }

  requirement(requirement: RunRequirement): RunRequirement {
    const { memberRunId, toolExecution } = requirement
    return {
      ...requirement,
      toolExecution: this.tool(toolExecution),
      ...(memberRunId !== undefined && { memberRunId: this.idOf(memberRunId) }),
    }
  }

  private run(run: Run): Run {
    const { runId, parentRunId } = run
    return {
      ...this.named(run),
      runId: this.idOf(runId),
      sessionId: this.sessionId,
      ...(parentRunId !== undefined && { parentRunId: this.idOf(parentRunId) }),
    }
  }

  private output(output: StepOutput): StepOutput {
    const { stepRunId, steps } = output
    return {
      ...output,
      ...(stepRunId !== undefined && { stepRunId: this.idOf(stepRunId) }),
      ...(steps && { steps: steps.map((one) => this.output(one)) }),
    }
  }

  private named<Record extends Naming>(record: Record): Record {
    const changed: Naming = {}
    const { tool, tools, requirements, executorRequirements, executorRunId, executorSessionId } = record
    if (tool) changed.tool = this.tool(tool)
    if (tools) changed.tools = tools.map((one) => this.tool(one))
    if (requirements) changed.requirements = requirements.map((one) => this.requirement(one))
    if (executorRequirements) {
      changed.executorRequirements = executorRequirements.map((one) => this.requirement(one))
    }
    if (executorRunId !== undefined) changed.executorRunId = this.idOf(executorRunId)
    if (executorSessionId !== undefined) changed.executorSessionId = this.sessionId
    for (const key of ['nestedRuns', 'memberResponses', 'stepExecutorRuns'] as const) {
      const runs = record[key]
      if (runs) changed[key] = runs.map((one) => this.run(one))
    }
    for (const key of ['stepOutput', 'stepResponse'] as const) {
      const output = record[key]
      if (output) changed[key] = this.output(output)
    }
    for (const key of ['stepResults', 'iterationResults'] as const) {
      const outputs = record[key]
      if (outputs) changed[key] = outputs.map((one) => this.output(one))
    }
    const { allResults, stepRequirements } = record
    if (allResults) changed.allResults = allResults.map((some) => some.map((one) => this.output(one)))
    if (stepRequirements) changed.stepRequirements = stepRequirements.map((one) => this.named(one))
    return { ...record, ...changed }
  }
}
