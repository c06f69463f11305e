import { z } from 'zod'
import { EpochSeconds, Timestamp, UserJsonObject } from '../../core/schema.js'

export const UserInputField = z
  .object({
    name: z.string(),
    fieldType: z.enum(['str', 'int', 'float', 'bool', 'list', 'dict']),
    description: z.string().nullable(),
    value: z.unknown().nullable(),
  })
  .meta({ id: 'UserInputField' })
export type UserInputField = z.infer<typeof UserInputField>

export const UserFeedbackQuestion = z
  .object({
    question: z.string(),
    header: z.string().optional(),
    multiSelect: z.boolean(),
    selectedOptions: z.array(z.string()).nullable(),
    options: z
      .array(z.object({ label: z.string(), description: z.string().optional(), selected: z.boolean() }))
      .optional(),
  })
  .meta({ id: 'UserFeedbackQuestion' })

const ToolMetrics = z.object({
  /** Epoch seconds, fractional. */
  startTime: z.number().optional(),
  endTime: z.number().optional(),
  /** Seconds. */
  duration: z.number().optional(),
  /** The same as `duration`; the chat front end reads this name. */
  time: z.number().optional(),
})

/** One tool call of a run: what the model asked for, and what came of it. */
export const ToolExecution = z
  .object({
    toolCallId: z.string(),
    toolName: z.string(),
    toolArgs: UserJsonObject.optional(),
    toolCallError: z.boolean().optional(),
    /** What the model sees as the tool's answer. */
    result: z.string().optional(),
    metrics: ToolMetrics.optional(),
    childRunId: z.string().optional(),
    stopAfterToolCall: z.boolean(),
    createdAt: EpochSeconds,
    requiresConfirmation: z.boolean().optional(),
    confirmed: z.boolean().optional(),
    confirmationNote: z.string().optional(),
    requiresUserInput: z.boolean().optional(),
    userInputSchema: z.array(UserInputField).optional(),
    userFeedbackSchema: z.array(UserFeedbackQuestion).optional(),
    answered: z.boolean().optional(),
    externalExecutionRequired: z.boolean().optional(),
    externalExecutionSilent: z.boolean().optional(),
    approvalType: z.enum(['required', 'audit']).optional(),
    approvalId: z.string().optional(),
    /** Started before a crash, outcome unknown: asks for a confirmation to run again. */
    interrupted: z.boolean().optional(),
    /** Arguments that a decision put in the place of the model's. */
    editedArgs: UserJsonObject.optional(),
  })
  .meta({ id: 'ToolExecution' })
export type ToolExecution = z.infer<typeof ToolExecution>

/** What a paused run waits for. */
export const RunRequirement = z
  .object({
    id: z.string(),
    createdAt: Timestamp,
    toolExecution: ToolExecution,
    confirmation: z.boolean().optional(),
    confirmationNote: z.string().optional(),
    userInputSchema: z.array(UserInputField).optional(),
    userFeedbackSchema: z.array(UserFeedbackQuestion).optional(),
    externalExecutionResult: z.string().optional(),
    memberAgentId: z.string().optional(),
    memberAgentName: z.string().optional(),
    memberRunId: z.string().optional(),
    needsConfirmation: z.boolean().optional(),
    needsUserInput: z.boolean().optional(),
  })
  .meta({ id: 'RunRequirement' })
export type RunRequirement = z.infer<typeof RunRequirement>
