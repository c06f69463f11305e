import { z } from 'zod'
import { Message } from '../agents/log/message.js'
import { SessionMetrics } from '../agents/log/metrics.js'
import { Timestamp, UserJsonObject } from '../core/schema.js'

export const SESSION_TYPES = ['agent', 'team', 'workflow'] as const
export const SessionType = z.enum(SESSION_TYPES).meta({ id: 'SessionType' })
export type SessionType = z.infer<typeof SessionType>

/** What has been said in a session, in short. */
export const SessionSummary = z
  .object({
    summary: z.string(),
    topics: z.array(z.string()).optional(),
    /** ISO 8601 with the offset spelled `+00:00`: older clients can't read `Z` here. */
    updatedAt: z.string().optional(),
  })
  .meta({ id: 'SessionSummary' })
export type SessionSummary = z.infer<typeof SessionSummary>

/** A conversation: what all its runs share. */
export interface Session {
  sessionId: string
  name: string
  type: SessionType
  userId?: string
  /** The agent, team or workflow that the session is bound to; undefined before its first run. */
  componentId?: string
  componentName?: string
  state: Record<string, unknown>
  summary?: SessionSummary
  metadata?: Record<string, unknown>
  metrics: SessionMetrics
  createdAt: number
  updatedAt: number
}

/** A copy of a session. */
export const ForkedSession = z
  .object({ sessionId: z.string(), forkedFromSessionId: z.string() })
  .meta({ id: 'ForkedSession' })
export type ForkedSession = z.infer<typeof ForkedSession>

const inCommon = {
  sessionId: z.string(),
  sessionName: z.string(),
  userId: z.string().optional(),
  sessionSummary: SessionSummary.optional(),
  sessionState: UserJsonObject.optional(),
  metrics: SessionMetrics.optional(),
  totalTokens: z.number().int().optional(),
  metadata: UserJsonObject.optional(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
}

/** A session in a list. */
export const SessionListItem = z
  .object({
    ...inCommon,
    sessionType: SessionType,
    agentId: z.string().optional(),
    teamId: z.string().optional(),
    workflowId: z.string().optional(),
  })
  .meta({ id: 'SessionListItem' })
export type SessionListItem = z.infer<typeof SessionListItem>

const chatHistory = z.array(Message).optional()

export const AgentSession = z
  .object({
    ...inCommon,
    /** The same as `sessionId`. */
    agentSessionId: z.string(),
    /** Empty while the session is not bound to an agent. */
    agentId: z.string(),
    agentData: UserJsonObject.optional(),
    chatHistory,
  })
  .meta({ id: 'AgentSession' })

export const TeamSession = z
  .object({ ...inCommon, teamId: z.string(), teamData: UserJsonObject.optional(), chatHistory })
  .meta({ id: 'TeamSession' })

export const WorkflowSession = z
  .object({
    sessionId: z.string(),
    sessionName: z.string(),
    workflowId: z.string(),
    workflowName: z.string().optional(),
    userId: z.string().optional(),
    sessionData: UserJsonObject.optional(),
    sessionState: UserJsonObject.optional(),
    workflowData: UserJsonObject.optional(),
    metadata: UserJsonObject.optional(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'WorkflowSession' })

/** A session of any kind, in full. */
export const SessionDetail = z.union([AgentSession, TeamSession, WorkflowSession])
export type SessionDetail = z.infer<typeof SessionDetail>
