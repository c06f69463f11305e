import { z } from 'zod'
import { UserJsonObject } from '../core/schema.js'
import { AgentDescription, TeamDescription } from './description.js'
import { StepType } from './log/step-record.js'

/** A step of a workflow, with the steps inside of it. */
export interface StepDescription {
  name?: string
  description?: string
  type: StepType
  agent?: AgentDescription
  team?: TeamDescription
  workflowId?: string
  /** Of a router: its choices. */
  steps?: StepDescription[]
  elseSteps?: StepDescription[]
}
export const StepDescription: z.ZodType<StepDescription> = z
  .object({
    name: z.string().optional(),
    description: z.string().optional(),
    type: StepType,
    agent: AgentDescription.optional(),
    team: TeamDescription.optional(),
    workflowId: z.string().optional(),
    steps: z.array(z.lazy(() => StepDescription)).optional(),
    elseSteps: z.array(z.lazy(() => StepDescription)).optional(),
  })
  .meta({ id: 'StepDescription' })

const summary = {
  id: z.string(),
  name: z.string().optional(),
  description: z.string().optional(),
  dbId: z.string().optional(),
  isFactory: z.boolean(),
  factoryInputSchema: UserJsonObject.optional(),
  isComponent: z.boolean(),
  currentVersion: z.number().int().optional(),
  stage: z.string().optional(),
}

/** A workflow in a list. */
export const WorkflowSummary = z.object(summary).meta({ id: 'WorkflowSummary' })
export type WorkflowSummary = z.infer<typeof WorkflowSummary>

/** What a workflow is made of: its steps as a tree. */
export const WorkflowDescription = z
  .object({
    ...summary,
    inputSchema: UserJsonObject.optional(),
    steps: z.array(StepDescription).optional(),
    metadata: UserJsonObject.optional(),
    /** True where an agent decides whether to run it. */
    workflowAgent: z.boolean(),
  })
  .meta({ id: 'WorkflowResponse' })
export type WorkflowDescription = z.infer<typeof WorkflowDescription>
