import type { AgentContext } from './agent-context.js'
import type { RunOptions } from './runnable.js'

/** A text, or a function that makes it for each run. */
export type Instructions = string | ((context: AgentContext) => string | Promise<string>)

/** What the instructions of one run are made of. */
export interface SystemMessageParts {
  readonly instructions?: Instructions
  readonly addDependenciesToContext: boolean
  readonly addSessionStateToContext: boolean
}

/** The text of the system message; empty when there is none. */
export async function systemText(
  parts: SystemMessageParts,
  options: RunOptions,
  context: AgentContext,
): Promise<string> {
  const { instructions } = parts
  const told = typeof instructions === 'function' ? await instructions(context) : (instructions ?? '')
  const showsDependencies = options.addDependenciesToContext ?? parts.addDependenciesToContext
  const showsState = options.addSessionStateToContext ?? parts.addSessionStateToContext
  return [
    told,
    ...(showsDependencies ? [section('dependencies', context.dependencies)] : []),
    ...(showsState ? [section('session_state', context.sessionState)] : []),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

/** What JSON can't hold, such as a database handle or a function, is not shown. */
function section(name: string, values: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(values).flatMap(([key, value]) => {
    const text = jsonOf(value)
    return text === undefined ? [] : [`${JSON.stringify(key)}: ${text}`]
  })
  return shown.length === 0 ? '' : `<${name}>\n{${shown.join(', ')}}\n</${name}>`
}

function jsonOf(value: unknown): string | undefined {
  const isInstance =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) !== Object.prototype
  if (isInstance && !('toJSON' in value)) return undefined
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
