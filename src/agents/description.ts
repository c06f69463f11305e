import { z } from 'zod'
import { UserJsonObject } from '../core/schema.js'

export const ModelRef = z
  .object({
    name: z.string().optional(),
    /** The model's name at its provider. */
    model: z.string().optional(),
    provider: z.string().optional(),
    /** The same as `model`. */
    id: z.string().optional(),
  })
  .meta({ id: 'ModelRef' })
export type ModelRef = z.infer<typeof ModelRef>

const FunctionDefinition = z
  .object({
    name: z.string(),
    description: z.string().optional(),
    parameters: UserJsonObject.optional(),
    strict: z.boolean().optional(),
    requiresConfirmation: z.boolean().optional(),
    externalExecution: z.boolean().optional(),
    approvalType: z.enum(['required', 'audit']).optional(),
  })
  .meta({ id: 'FunctionDefinition' })

const description = {
  id: z.string(),
  name: z.string().optional(),
  description: z.string().optional(),
  role: z.string().optional(),
  introduction: z.string().optional(),
  dbId: z.string().optional(),
  model: ModelRef.optional(),
  tools: z
    .object({
      tools: z.array(FunctionDefinition).optional(),
      toolCallLimit: z.number().optional(),
      toolChoice: z.union([z.string(), UserJsonObject]).optional(),
    })
    .optional(),
  sessions: UserJsonObject.optional(),
  knowledge: UserJsonObject.optional(),
  memory: UserJsonObject.optional(),
  reasoning: UserJsonObject.optional(),
  defaultTools: UserJsonObject.optional(),
  systemMessage: UserJsonObject.optional(),
  extraMessages: UserJsonObject.optional(),
  responseSettings: UserJsonObject.optional(),
  streaming: UserJsonObject.optional(),
  metadata: UserJsonObject.optional(),
  inputSchema: UserJsonObject.optional(),
  isFactory: z.boolean(),
  factoryInputSchema: UserJsonObject.optional(),
  isComponent: z.boolean(),
  currentVersion: z.number().int().optional(),
  stage: z.enum(['draft', 'published']).optional(),
}

/** What an agent is made of, for whoever lists agents. Objects hold only settings that differ from the default. */
export const AgentDescription = z.object(description).meta({ id: 'AgentResponse' })
export type AgentDescription = z.infer<typeof AgentDescription>

/** How a team works. */
export const TEAM_MODES = ['coordinate', 'route', 'broadcast', 'tasks'] as const
export type TeamMode = (typeof TEAM_MODES)[number]

const { extraMessages: _extraMessages, ...teamDescription } = description

/** What a team is made of, with its members. */
export interface TeamDescription extends Omit<AgentDescription, 'extraMessages'> {
  mode?: TeamMode
  members?: (AgentDescription | TeamDescription)[]
}
export const TeamDescription: z.ZodType<TeamDescription> = z
  .object({
    ...teamDescription,
    mode: z.enum(TEAM_MODES).optional(),
    members: z.array(z.lazy((): z.ZodType<AgentDescription | TeamDescription> => Member)).optional(),
  })
  .meta({ id: 'TeamResponse' })

/** What is under the leader of a team. */
const Member: z.ZodType<AgentDescription | TeamDescription> = z
  .union([TeamDescription, AgentDescription])
  .meta({ id: 'Member' })
