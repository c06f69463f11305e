import { z } from 'zod'
import { ConfigurationError } from '../core/errors.js'
import type { JsonObject, JsonSchema } from '../core/json.js'
import type { AgentContext } from './agent-context.js'
import { describeIssues, jsonSchemaOf } from './json-schema.js'
import type { UserInputField } from './log/tool-execution.js'
import { userInputFields, withoutFields } from './user-input.js'

/** What a tool is told about the call, and about the run that it is part of. */
export interface ToolContext extends AgentContext {
  readonly toolCallId: string
  /** The same for a call that is repeated after a crash: give it to whatever the tool changes. */
  readonly idempotencyKey: string
  /** Aborts when the run does, and when the tool's time is up. */
  readonly signal: AbortSignal
  /**
   * Shows something to whoever follows the run, as a `CustomEvent` with these fields and the call's id.
   *
   * @throws TypeError when the fields are no JSON, or one is called `data`, which clients take for another envelope.
   */
  emit(fields: Readonly<Record<string, unknown>>): void
}

/** Arguments of a call after they were checked. */
export type CheckedArgs = { args: unknown } | { problem: string }

/** Who has to act before a tool may run, and what else an agent has to know of it. */
export interface ToolTraits {
  /** Milliseconds; the agent's `toolTimeoutMs` where it is not given. */
  readonly timeoutMs?: number
  /** May run twice with the same key: after a crash it is repeated without asking. Default: false. */
  readonly idempotent?: boolean
  /** Asks the provider to hold the model to the schema. Default: the provider's own. */
  readonly strict?: boolean
  /** Its result ends the run, as the answer. Default: false. */
  readonly stopAfterCall?: boolean
  /** Pauses the run until somebody has confirmed the call. Default: false. */
  readonly requiresConfirmation?: boolean
  /** Arguments that a person gives, not the model: the run pauses for them. */
  readonly requiresUserInput?: readonly string[]
  /** `required`: the run waits for an approval. `audit`: a pause of the tool is recorded as one. */
  readonly approval?: 'required' | 'audit'
  /** How long a required approval is waited for. Default: for ever. */
  readonly approvalExpiry?: ApprovalExpiry
}

/** What happens to an approval that nobody resolves in time. */
export interface ApprovalExpiry {
  /** Milliseconds from the pause on. */
  afterMs: number
  /** `reject` (the default): it counts as rejected. `wait`: the host is told, and the run waits on. */
  policy?: 'reject' | 'wait'
}

/** Something that a model can call. {@link tool} makes one from a Zod schema. */
export interface Tool extends ToolTraits {
  readonly name: string
  readonly description?: string
  /** What the model is told about the arguments. */
  readonly parameters: JsonSchema
  /** Runs outside: the run pauses until somebody brings the result. */
  readonly external?: boolean
  /** What a person is asked for, before the run goes on. */
  readonly userInput?: readonly UserInputField[]
  /**
   * Checks what the model wrote.
   *
   * @param open arguments that are still to come, and are not looked at.
   */
  check(args: JsonObject, open?: readonly string[]): CheckedArgs | Promise<CheckedArgs>
  /** @param args what `check` has returned. */
  execute(args: unknown, context: ToolContext): unknown
}

/** Several tools from one source, known only when it is asked, such as an MCP server. */
export interface Toolset {
  readonly name: string
  /** Called at the start of each run; it is up to the set to ask its source only once. */
  tools(signal: AbortSignal): Promise<readonly Tool[]>
}

interface ToolFields<Input extends z.ZodType> extends ToolTraits {
  /** Letters, digits, `_` and `-`, at most 64. */
  name: string
  /** What it does and when to use it, for the model. */
  description?: string
  /** Shape of the arguments. Default: none. */
  input?: Input
}

/** What {@link tool} is made from. */
export type ToolDefinition<Input extends z.ZodType, Result> = ToolFields<Input> &
  (
    | { external?: false; execute: (args: z.output<Input>, context: ToolContext) => Result | Promise<Result> }
    | { external: true; execute?: undefined }
  )

/** A tool whose arguments have a type. */
export interface TypedTool<Input extends z.ZodType, Result> extends Tool {
  readonly input: Input
  execute(args: z.output<Input>, context: ToolContext): Result | Promise<Result>
}

const MAX_EXPIRY_MS = 100 * 365 * 24 * 60 * 60_000
const NAME = /^[\w-]{1,64}$/

/**
 * A function that a model may call. Arguments are validated before `execute` sees them; whatever goes wrong (wrong
 * arguments, an error, the time) goes back to the model as the call's result, and the run goes on. A string is the
 * result as it is, anything else becomes JSON; {@link toolResult} adds media.
 *
 * @throws ConfigurationError when the name can't be one, or the schema can't be told to a model.
 *
 * @example
 * ```ts
 * const lookupOrder = tool({
 *   name: 'lookup_order',
 *   description: 'Finds an order by its number.',
 *   input: z.object({ number: z.number().int() }),
 *   execute: async ({ number }, { signal }) => await orders.find(number, { signal }),
 * })
 * ```
 */
export function tool<const Input extends z.ZodType = z.ZodType<Record<string, never>>, Result = unknown>(
  definition: ToolDefinition<Input, Result>,
): TypedTool<Input, Result> {
  const { name, execute, requiresUserInput = [], approval, approvalExpiry, ...rest } = definition
  if (!NAME.test(name)) {
    throw new ConfigurationError(
      `"${name}" can't be the name of a tool: use 1 to 64 letters, digits, underscores and hyphens.`,
    )
  }
  if (!execute && !definition.external) {
    throw new ConfigurationError(`Tool "${name}" has nothing to execute. Pass execute, or external: true.`)
  }
  const input = definition.input ?? (z.object({}) as unknown as Input)
  const whole = jsonSchemaOf(input, 'input', `The input of tool "${name}"`, { isClosed: definition.strict })
  if (whole.type !== 'object') {
    throw new ConfigurationError(`The input of tool "${name}" must be an object schema, such as z.object({ … }).`)
  }
  const isPausing = definition.external || definition.requiresConfirmation || requiresUserInput.length > 0
  if (approval === 'audit' && !isPausing) {
    throw new ConfigurationError(
      `Tool "${name}" has approval: "audit" but never pauses. Add requiresConfirmation, requiresUserInput or external.`,
    )
  }
  checkExpiry(name, approval, approvalExpiry)
  return {
    ...rest,
    name,
    input,
    parameters: withoutFields(whole, requiresUserInput),
    ...(requiresUserInput.length > 0 && {
      requiresUserInput,
      userInput: userInputFields(whole, requiresUserInput, name),
    }),
    ...(approval && { approval }),
    ...(approvalExpiry && { approvalExpiry }),
    ...(approval === 'required' && !isPausing && { requiresConfirmation: true }),
    check: (args, open = []) => check(input, args, open),
    execute: execute
      ? (args, context) => execute(args, context)
      : () => {
          throw new TypeError(`Tool "${name}" runs outside of the agent.`)
        },
  }
}

function checkExpiry(name: string, approval: Tool['approval'], expiry: ApprovalExpiry | undefined): void {
  if (!expiry) return
  if (approval !== 'required') {
    throw new ConfigurationError(`Tool "${name}" has approvalExpiry, which needs approval: "required".`)
  }
  if (!(expiry.afterMs > 0 && expiry.afterMs <= MAX_EXPIRY_MS)) {
    throw new ConfigurationError(`Tool "${name}": approvalExpiry.afterMs must be more than 0 and at most 100 years.`)
  }
}

async function check(input: z.ZodType, args: JsonObject, open: readonly string[]): Promise<CheckedArgs> {
  const parsed = await input.safeParseAsync(args)
  if (parsed.success) return { args: parsed.data }
  const issues = parsed.error.issues.filter(({ path }) => !open.includes(String(path[0])))
  return issues.length === 0 ? { args } : { problem: describeIssues(new z.ZodError(issues)) }
}
