import { AgentOSError } from '../core/errors.js'
import type { JsonObject } from '../core/json.js'
import type { ModelTool } from '../models/model.js'
import { abortable } from './abortable.js'
import type { AgentContext } from './agent-context.js'
import { checkToolNames } from './agent-plan.js'
import type { AgentPlan } from './agent-plan.js'
import { formOfOptions } from './answer-form.js'
import type { AnswerForm } from './answer-form.js'
import type { RunInput } from './log/run-record.js'
import { RunFailedError } from './run-failure.js'
import type { RunContext } from './runnable.js'
import type { Tool } from './tool.js'

/** One leg of an agent's run: the agent, the run, and what was made ready for the two of them. */
export interface AgentLeg {
  readonly plan: AgentPlan
  readonly run: RunContext
  /** What user code is told. */
  readonly about: AgentContext
  readonly tools: ReadonlyMap<string, Tool>
  /** The tools as the model is told about them. */
  readonly offered: readonly ModelTool[]
  readonly form?: AnswerForm
  /** Nothing of the answer is shown before the output guardrails have passed it. */
  readonly isHeld: boolean
  /** The answer may still be refused when the model has given it. */
  readonly isGuarded: boolean
}

/** Makes a leg ready: asks for the dependencies and the tools. */
export async function openLeg(plan: AgentPlan, run: RunContext): Promise<AgentLeg> {
  const [about, tools] = await Promise.all([contextOf(plan, run), toolsOf(plan, run)])
  const isGuarded = plan.outputGuardrails.length > 0
  return {
    plan,
    run,
    about,
    tools,
    offered: Array.from(tools.values(), offer),
    form: formOfOptions(run.options) ?? plan.form,
    isHeld: isGuarded && !plan.streamBeforeGuardrail,
    isGuarded: isGuarded || plan.postHooks.length > 0,
  }
}

function offer({ name, description, parameters, strict }: Tool): ModelTool {
  return { name, description, parameters, ...(strict !== undefined && { strict }) }
}

/** The leg with another input. */
export function withInput(leg: AgentLeg, input: RunInput): AgentLeg {
  return { ...leg, about: { ...leg.about, input } }
}

/** What is stored with the run: the agent's own keys win over the request's. */
export function metadataOf(plan: AgentPlan, { options }: RunContext): JsonObject {
  return { ...options.metadata, ...plan.metadata }
}

async function contextOf(plan: AgentPlan, run: RunContext): Promise<AgentContext> {
  const { runId, sessionId, userId, caller, input, signal, logger, state, options } = run
  const about = {
    runId,
    sessionId,
    ...(userId !== undefined && { userId }),
    caller,
    input,
    sessionState: state.value,
    metadata: metadataOf(plan, run),
    signal,
    logger,
  }
  const given = plan.dependencies
  const own = typeof given === 'function' ? await abortable(given(about), signal) : given
  return { ...about, dependencies: { ...own, ...options.dependencies } }
}

/** Errors of others stay inside: they may hold a path or a key. */
function toolsetProblem(name: string, error: unknown): string {
  const reason = error instanceof AgentOSError ? ` ${error.message}` : ''
  return `The tools of "${name}" could not be loaded.${reason}`
}

async function toolsOf(plan: AgentPlan, { signal, logger, runId }: RunContext): Promise<ReadonlyMap<string, Tool>> {
  const sets = await Promise.all(
    plan.toolsets.map((set) =>
      abortable(set.tools(signal), signal).catch((error: unknown) => {
        signal.throwIfAborted()
        logger.error({ err: error, runId, toolset: set.name }, 'A toolset could not be loaded')
        throw new RunFailedError(
          { errorCode: 'TOOL_FAILED', message: toolsetProblem(set.name, error), retryable: true },
          { cause: error },
        )
      }),
    ),
  )
  const tools = [...plan.tools, ...sets.flat()]
  if (sets.length > 0) checkToolNames(tools, plan.owner)
  return new Map(tools.map((tool) => [tool.name, tool]))
}
