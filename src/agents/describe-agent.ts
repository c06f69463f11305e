import type { z } from 'zod'
import type { JsonObject } from '../core/json.js'
import type { AgentOptions } from './agent-options.js'
import { DEFAULT_HISTORY_RUNS } from './agent-plan.js'
import type { AgentPlan } from './agent-plan.js'
import type { AgentDescription } from './description.js'
import { jsonSchemaOf } from './json-schema.js'
import type { Tool } from './tool.js'

type Options = AgentOptions<z.ZodType | undefined, z.ZodType | undefined>

/**
 * What the contract shows of an agent. Objects hold only what differs from the default, and are left out when that is
 * nothing. Tools of a toolset are not known before a run has asked for them, and are not among it.
 */
export function describeAgent(options: Options, plan: AgentPlan): AgentDescription {
  const { id, name, description, role, introduction, metadata, input } = options
  const [model] = plan.models
  return {
    id,
    name: name ?? id,
    ...(description !== undefined && { description }),
    ...(role !== undefined && { role }),
    ...(introduction !== undefined && { introduction }),
    model: { name: model.id, model: model.id, provider: model.provider, id: model.id },
    ...section('tools', {
      ...(plan.tools.length > 0 && { tools: plan.tools.map(describeTool) }),
      ...(plan.toolChoice !== undefined && { toolChoice: plan.toolChoice }),
    }),
    ...section('sessions', sessions(plan)),
    ...section('systemMessage', systemMessage(plan)),
    ...section('responseSettings', responseSettings(plan)),
    ...(metadata && { metadata }),
    ...(input && { inputSchema: jsonSchemaOf(input, 'input', `The input of agent "${id}"`) as JsonObject }),
    isFactory: false,
    isComponent: false,
  }
}

function describeTool(tool: Tool) {
  const { name, description, parameters, strict, requiresConfirmation, external, approval } = tool
  return {
    name,
    ...(description !== undefined && { description }),
    parameters: parameters as JsonObject,
    ...(strict !== undefined && { strict }),
    ...(requiresConfirmation && { requiresConfirmation }),
    ...(external && { externalExecution: true }),
    ...(approval && { approvalType: approval }),
  }
}

function sessions({ historyRuns }: AgentPlan): JsonObject {
  if (historyRuns === 0) return { add_history_to_context: false }
  return historyRuns === DEFAULT_HISTORY_RUNS ? {} : { num_history_runs: historyRuns }
}

function systemMessage({ instructions, addDependenciesToContext, addSessionStateToContext }: AgentPlan): JsonObject {
  return {
    // Instructions that a function makes are not known before there is a run.
    ...(typeof instructions === 'string' && { instructions }),
    ...(addDependenciesToContext && { add_dependencies_to_context: true }),
    ...(addSessionStateToContext && { add_session_state_to_context: true }),
  }
}

function responseSettings({ form }: AgentPlan): JsonObject {
  return form ? { output_schema_name: form.format.name } : {}
}

function section<const Name extends string, Value extends object>(name: Name, value: Value): { [Key in Name]?: Value } {
  return Object.keys(value).length === 0 ? {} : ({ [name]: value } as { [Key in Name]: Value })
}
