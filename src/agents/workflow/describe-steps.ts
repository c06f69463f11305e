import type { AgentDescription, TeamDescription } from '../description.js'
import type { Runnable } from '../runnable.js'
import type { StepDescription } from '../workflow-description.js'
import type { StepNode } from './step-node.js'

/** The steps as a tree, as clients see it. */
export function describeSteps(nodes: readonly StepNode[]): StepDescription[] {
  return nodes.map((node) => ({
    name: node.name,
    ...(node.description !== undefined && { description: node.description }),
    type: node.type === 'Input' ? 'Step' : node.type,
    ...inner(node),
  }))
}

function inner(node: StepNode): Partial<StepDescription> {
  switch (node.type) {
    case 'Step': {
      const described = node.executor.describe()
      return node.executor.kind === 'team'
        ? { team: described as TeamDescription }
        : { agent: described as AgentDescription }
    }
    case 'Workflow':
      return { workflowId: node.executor.id }
    case 'Condition':
      return {
        steps: describeSteps([node.then]),
        ...(node.otherwise && { elseSteps: describeSteps([node.otherwise]) }),
      }
    default: {
      const steps = insideOf(node)
      return steps.length > 0 ? { steps: describeSteps(steps) } : {}
    }
  }
}

/** The steps that a step holds. */
export function insideOf(node: StepNode): readonly StepNode[] {
  switch (node.type) {
    case 'Steps':
      return node.steps
    case 'Parallel':
      return node.branches.map(([, one]) => one)
    case 'Router':
      return node.choices.map(([, one]) => one)
    case 'Condition':
      return node.otherwise ? [node.then, node.otherwise] : [node.then]
    case 'Loop':
    case 'Map':
      return [node.step]
    default:
      return []
  }
}

/** What steps run, at whatever depth, each once. */
export function executorsOf(nodes: readonly StepNode[]): Runnable[] {
  const all = nodes.flatMap((node) => [
    ...(node.type === 'Step' || node.type === 'Workflow' ? [node.executor] : []),
    ...executorsOf(insideOf(node)),
  ])
  return [...new Set(all)]
}
