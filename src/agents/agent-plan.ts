import type { z } from 'zod'
import { ConfigurationError } from '../core/errors.js'
import { CallerChosenId } from '../core/schema.js'
import type { JsonObject } from '../core/json.js'
import type { Model, ModelRequest } from '../models/model.js'
import { defaultRetryPolicy } from '../models/retry.js'
import type { RetryPolicy } from '../models/retry.js'
import type { Dependencies } from './agent-context.js'
import type { AgentOptions } from './agent-options.js'
import { formOfZod } from './answer-form.js'
import type { AnswerForm } from './answer-form.js'
import type { InputGuardrail, OutputGuardrail, PostHook, PreHook } from './guardrail.js'
import type { SystemMessageParts } from './system-message.js'
import type { Tool, Toolset } from './tool.js'

export const DEFAULT_HISTORY_RUNS = 3
const DEFAULT_STEP_LIMIT = 50
const DEFAULT_TOOL_TIMEOUT_MS = 60_000

/** An agent's options, checked and with their defaults: what its runs work from. */
export interface AgentPlan extends SystemMessageParts {
  readonly id: string
  /** How error texts name it. */
  readonly owner: string
  readonly models: readonly [Model, ...Model[]]
  readonly tools: readonly Tool[]
  readonly toolsets: readonly Toolset[]
  readonly toolChoice?: ModelRequest['toolChoice']
  readonly form?: AnswerForm
  readonly dependencies?: Dependencies
  readonly metadata?: JsonObject
  readonly preHooks: readonly PreHook[]
  readonly postHooks: readonly PostHook[]
  readonly inputGuardrails: readonly InputGuardrail[]
  readonly outputGuardrails: readonly OutputGuardrail[]
  readonly streamBeforeGuardrail: boolean
  readonly historyRuns: number
  readonly stepLimit: number
  readonly tokenBudget: number
  readonly toolTimeoutMs: number
  readonly retry: RetryPolicy
}

/** @throws ConfigurationError when the options contradict themselves or each other. */
export function planOf(
  options: AgentOptions<z.ZodType | undefined, z.ZodType | undefined>,
  kind: 'Agent' | 'Team' = 'Agent',
): AgentPlan {
  const { id, tools = [], history, retry, hooks, guardrails } = options
  const own = tools.filter((one): one is Tool => !isToolset(one))
  checkId(id, kind)
  const owner = `${kind} "${id}"`
  for (const one of tools) {
    if (typeof one === 'object' && ('check' in one || 'tools' in one)) continue
    throw new ConfigurationError(`${owner} has a tool that is none. Make tools with tool({ … }) or mcpTools({ … }).`)
  }
  checkToolNames(own, owner)
  checkNumbers(owner, options)
  return {
    id,
    owner,
    models: modelsOf(options.model, owner),
    tools: own,
    toolsets: tools.filter(isToolset),
    toolChoice: options.toolChoice,
    ...(options.output && { form: formOfZod(options.output, id) }),
    instructions: options.instructions,
    addDependenciesToContext: options.addDependenciesToContext ?? false,
    addSessionStateToContext: options.addSessionStateToContext ?? false,
    dependencies: options.dependencies,
    metadata: options.metadata,
    preHooks: hooks?.pre ?? [],
    postHooks: hooks?.post ?? [],
    inputGuardrails: guardrails?.input ?? [],
    outputGuardrails: guardrails?.output ?? [],
    streamBeforeGuardrail: options.streamBeforeGuardrail ?? false,
    historyRuns: history === false ? 0 : (history?.runs ?? DEFAULT_HISTORY_RUNS),
    stepLimit: options.stepLimit ?? DEFAULT_STEP_LIMIT,
    tokenBudget: options.tokenBudget ?? Number.POSITIVE_INFINITY,
    toolTimeoutMs: options.toolTimeoutMs ?? DEFAULT_TOOL_TIMEOUT_MS,
    retry: { ...defaultRetryPolicy, ...retry },
  }
}

/** @throws ConfigurationError when two tools have the same name: the model could call only one of them. */
export function checkToolNames(tools: readonly Tool[], owner: string): void {
  const names = new Set<string>()
  for (const { name } of tools) {
    if (names.has(name)) {
      throw new ConfigurationError(`${owner} has two tools called "${name}". Rename one of them.`)
    }
    names.add(name)
  }
}

function isToolset(one: Tool | Toolset): one is Toolset {
  return 'tools' in one
}

const ComponentId = CallerChosenId(255)

/** @throws ConfigurationError */
export function checkId(id: string, kind = 'Agent'): void {
  if (ComponentId.safeParse(id).success) return
  throw new ConfigurationError(
    `${kind === 'Agent' ? 'An' : 'A'} ${kind.toLowerCase()} can't have the id ${JSON.stringify(id)}: use 1 to 255 characters, none of them a control character.`,
  )
}

function modelsOf(model: Model | readonly Model[] | undefined, owner: string): readonly [Model, ...Model[]] {
  const isModel = (one: unknown): boolean => typeof one === 'object' && one !== null && 'generate' in one
  if (model !== undefined && ![model].flat().every(isModel)) {
    throw new ConfigurationError(
      `${owner} has a model that is none. Pass an object such as openai('gpt-5-mini'), not its name.`,
    )
  }
  const [first, ...fallbacks] = model === undefined ? [] : 'generate' in model ? [model] : model
  if (first) return [first, ...fallbacks]
  throw new ConfigurationError(`${owner} has no model. Pass one, for example: model: openai('gpt-5-mini').`)
}

function checkNumbers(
  owner: string,
  options: Pick<AgentOptions, 'stepLimit' | 'tokenBudget' | 'timeoutMs' | 'toolTimeoutMs' | 'history'>,
): void {
  const { stepLimit, tokenBudget, timeoutMs, toolTimeoutMs, history } = options
  for (const [name, value] of Object.entries({ stepLimit, tokenBudget, timeoutMs, toolTimeoutMs })) {
    if (value === undefined || value > 0) continue
    throw new ConfigurationError(`${owner} has ${name}: ${value}. It must be greater than 0.`)
  }
  if (history && !(Number.isInteger(history.runs) && history.runs >= 0)) {
    throw new ConfigurationError(
      `${owner} has history: { runs: ${history.runs} }. It must be a whole number, 0 or more.`,
    )
  }
}
