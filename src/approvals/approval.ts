import { z } from 'zod'
import { RunStatus } from '../agents/log/run-record.js'
import { RunRequirement } from '../agents/log/tool-execution.js'
import { CallerChosenId, Timestamp, UserJsonObject } from '../core/schema.js'

export const APPROVAL_STATUSES = ['pending', 'approved', 'rejected', 'expired', 'cancelled'] as const
export const APPROVAL_TYPES = ['required', 'audit'] as const
export const PAUSE_TYPES = ['confirmation', 'user_input', 'external_execution'] as const
export const SOURCE_TYPES = ['agent', 'team', 'workflow'] as const

export const ApprovalState = z.enum(APPROVAL_STATUSES).meta({ id: 'ApprovalState' })
export type ApprovalState = z.infer<typeof ApprovalState>

/** What comes with a resolution. */
export const ResolutionData = z
  .object({
    /** Of the fields that the tool asks a person for. */
    values: UserJsonObject.optional(),
    /** Of a tool that is executed elsewhere. */
    result: z.string().optional(),
    /** Why; a rejection reaches the model with it. */
    note: z.string().optional(),
    /** Arguments in the place of the model's, by the id of the tool call. */
    editedArgs: z.record(z.string(), UserJsonObject).optional(),
  })
  .meta({ id: 'ResolutionData' })
export type ResolutionData = z.infer<typeof ResolutionData>

/** A decision about calls of a paused run, that only somebody with the right to may make. */
export const Approval = z
  .object({
    id: z.string(),
    runId: z.string(),
    sessionId: z.string(),
    status: ApprovalState,
    sourceType: z.enum(SOURCE_TYPES),
    sourceName: z.string().optional(),
    agentId: z.string().optional(),
    teamId: z.string().optional(),
    workflowId: z.string().optional(),
    /** `required` blocks the run; `audit` is written after the decision, already closed. */
    approvalType: z.enum(APPROVAL_TYPES),
    pauseType: z.enum(PAUSE_TYPES),
    /** Of the first tool that asked. */
    toolName: z.string().optional(),
    toolArgs: UserJsonObject.optional(),
    /** All of the paused run's. */
    requirements: z.array(RunRequirement).optional(),
    context: z.object({ toolNames: z.array(z.string()).optional(), sourceName: z.string().optional() }).optional(),
    /** Who started the run. */
    userId: z.string().optional(),
    scheduleId: z.string().optional(),
    scheduleRunId: z.string().optional(),
    expiresAt: Timestamp.optional(),
    resolutionData: ResolutionData.optional(),
    resolvedBy: z.string().optional(),
    resolvedAt: Timestamp.optional(),
    /** How the run stands now. */
    runStatus: RunStatus.optional(),
    createdAt: Timestamp,
    updatedAt: Timestamp.optional(),
  })
  .meta({ id: 'Approval' })
export type Approval = z.infer<typeof Approval>

/** The little of an approval that somebody polls for. */
export const ApprovalStatus = z
  .object({
    approvalId: z.string(),
    status: ApprovalState,
    runId: z.string(),
    resolvedAt: Timestamp.optional(),
    resolvedBy: z.string().optional(),
  })
  .meta({ id: 'ApprovalStatus' })
export type ApprovalStatus = z.infer<typeof ApprovalStatus>

/** What `approvals.resolve()` takes. */
export const ResolveApproval = z.object({
  status: z.enum(['approved', 'rejected']),
  /** Who has decided; the caller's identity, where it has one. */
  resolvedBy: CallerChosenId(255).optional(),
  resolutionData: ResolutionData.optional(),
  /** Has the run go on by itself, as the caller that started it. */
  continueRun: z.boolean().optional(),
})
export type ResolveApproval = z.input<typeof ResolveApproval>

const filterFields = {
  status: z.enum(APPROVAL_STATUSES).optional(),
  approvalType: z.enum(APPROVAL_TYPES).optional(),
  sourceType: z.enum(SOURCE_TYPES).optional(),
  pauseType: z.enum(PAUSE_TYPES).optional(),
  agentId: z.string().optional(),
  teamId: z.string().optional(),
  workflowId: z.string().optional(),
  userId: z.string().optional(),
  scheduleId: z.string().optional(),
  runId: z.string().optional(),
  sessionId: z.string().optional(),
}

/** What `approvals.count()` takes: it counts pending ones. */
export const CountApprovals = z.object(filterFields).omit({ status: true })
export type CountApprovals = z.input<typeof CountApprovals>

/** What `approvals.list()` takes. */
export const ListApprovals = z.object({
  ...filterFields,
  limit: z.number().int().min(1).max(1000).default(100),
  page: z.number().int().min(1).max(10_000).default(1),
  cursor: z.string().optional(),
})
export type ListApprovals = z.input<typeof ListApprovals>
