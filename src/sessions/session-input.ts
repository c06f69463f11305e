import { z } from 'zod'
import { RunStatus } from '../agents/log/run-record.js'
import { CallerChosenId, Timestamp, UserJsonObject } from '../core/schema.js'
import { SessionType } from './session.js'

/** Text that comes back from any database as it was sent. */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000')
const unstorable = { error: 'must not hold the character NUL or lone surrogates' }

const SessionName = z.string().max(255).refine(isStorable, unstorable)
const limit = (max: number) => z.number().int().min(1).max(max)

/** What `sessions.create()` takes. Clients of the contract send `null` for what they leave out. */
export const CreateSession = z.object({
  type: SessionType.default('agent'),
  /** Default: a new id. */
  sessionId: CallerChosenId(255).nullish(),
  sessionName: SessionName.nullish(),
  sessionState: UserJsonObject.nullish(),
  metadata: UserJsonObject.nullish(),
  /** Whose session it is. Default: the caller's. */
  userId: CallerChosenId(255).nullish(),
  agentId: CallerChosenId(255).nullish(),
  teamId: CallerChosenId(255).nullish(),
  workflowId: CallerChosenId(255).nullish(),
})
export type CreateSession = z.input<typeof CreateSession>

/** What `sessions.rename()` takes. */
export const RenameSession = z.strictObject({
  sessionName: z.string().trim().min(1).max(255).refine(isStorable, unstorable),
})

const GivenSummary = z.strictObject({
  summary: z.string(),
  topics: z.array(z.string()).optional(),
  /** A summary that was read may be sent back as it is; its time is set anew. */
  updatedAt: z.string().optional(),
})

/** What `sessions.update()` takes: a value replaces the old one whole, `null` clears, what is absent stays. */
export const UpdateSession = z
  .strictObject({
    sessionName: SessionName.nullable().optional(),
    sessionState: UserJsonObject.nullable().optional(),
    metadata: UserJsonObject.nullable().optional(),
    summary: GivenSummary.nullable().optional(),
  })
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), {
    error: 'must name at least one field to change',
  })
export type UpdateSession = z.input<typeof UpdateSession>

/** Narrows which session is meant; one that does not fit is not found. */
export const SelectSession = z.object({ type: SessionType.optional(), userId: z.string().optional() })
export type SelectSession = z.input<typeof SelectSession>

/** What `sessions.fork()` takes. */
export const ForkSession = SelectSession.extend({
  /** The session is to be one of this agent. */
  agentId: z.string().optional(),
  /** The session is to be one of this team. */
  teamId: z.string().optional(),
})
export type ForkSession = z.input<typeof ForkSession>

export const DEFAULT_HISTORY_LIMIT = 200

/** How `sessions.get()` answers. */
export const ReadSession = SelectSession.extend({
  /** How many messages of the history come along at most: the newest. */
  historyLimit: z.number().int().min(0).max(1000).default(DEFAULT_HISTORY_LIMIT),
})
export type ReadSession = z.input<typeof ReadSession>

export const SESSION_SORT_KEYS = ['created_at', 'updated_at', 'session_name'] as const
export const SORT_ORDERS = ['asc', 'desc'] as const

/** What `sessions.list()` takes. */
export const ListSessions = SelectSession.extend({
  /** An agent, a team or a workflow. */
  componentId: z.string().optional(),
  /** A part of the name, in any case; every character stands for itself. */
  sessionName: z.string().optional(),
  sortBy: z.enum(SESSION_SORT_KEYS).default('created_at'),
  sortOrder: z.enum(SORT_ORDERS).default('desc'),
  limit: limit(1000).default(20),
  page: limit(10_000).default(1),
  cursor: z.string().optional(),
})
export type ListSessions = z.input<typeof ListSessions>

export const RUN_PARTS = ['events', 'messages'] as const

const Instant = Timestamp.refine((text) => !Number.isNaN(Date.parse(text)), { error: 'must be an ISO 8601 time' })

/** What `sessions.runs()` takes. */
export const ListSessionRuns = SelectSession.extend({
  /** Inclusive. */
  createdAfter: Instant.optional(),
  /** Inclusive. */
  createdBefore: Instant.optional(),
  statuses: z.array(RunStatus).optional(),
  /** Parts of a run that are left out unless they are named. Default: all. */
  include: z.array(z.enum(RUN_PARTS)).default([...RUN_PARTS]),
  limit: limit(1000).default(1000),
  cursor: z.string().optional(),
})
export type ListSessionRuns = z.input<typeof ListSessionRuns>

/** What `sessions.deleteMany()` takes. */
export const DeleteSessions = z.strictObject({
  sessionIds: z.array(z.string()).min(1).max(1000),
  /** The kind of each session, in the same order; one of another kind is passed over. */
  sessionTypes: z.array(SessionType).optional(),
})
export type DeleteSessions = z.input<typeof DeleteSessions>
