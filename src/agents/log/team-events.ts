import { z } from 'zod'
import { agentEvents, CustomEvent, insideFields, stampFields } from './agent-events.js'
import type { AgentEvent } from './agent-events.js'
import { Run } from './run-record.js'

export const TASK_STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'blocked'] as const
export const TaskStatus = z.enum(TASK_STATUSES).meta({ id: 'TaskStatus' })
export type TaskStatus = z.infer<typeof TaskStatus>

/** One item of the list that a team in the mode `tasks` works through. */
export const TeamTask = z
  .object({
    id: z.string(),
    title: z.string(),
    description: z.string().optional(),
    status: TaskStatus,
    /** Id of the member that is to do it. */
    assignee: z.string().optional(),
    /** Ids of the tasks that must be completed before. */
    dependencies: z.array(z.string()),
    result: z.string().optional(),
  })
  .meta({ id: 'TeamTask' })
export type TeamTask = z.infer<typeof TeamTask>

const teamBase = { ...stampFields, ...insideFields, teamId: z.string(), teamName: z.string() }

/** Fields of what only happens in the mode `tasks`; a team's log names these events without the prefix. */
export const taskEventFields = {
  TaskIterationStarted: { iteration: z.number().int(), maxIterations: z.number().int() },
  TaskIterationCompleted: {
    iteration: z.number().int(),
    maxIterations: z.number().int(),
    taskSummary: z.string().optional(),
  },
  TaskCreated: {
    taskId: z.string(),
    title: z.string(),
    description: z.string().optional(),
    assignee: z.string().optional(),
    status: TaskStatus,
    dependencies: z.array(z.string()),
  },
  TaskUpdated: {
    taskId: z.string(),
    title: z.string(),
    status: TaskStatus,
    previousStatus: TaskStatus,
    result: z.string().optional(),
    assignee: z.string().optional(),
  },
  TaskStateUpdated: {
    taskSummary: z.string(),
    goalComplete: z.boolean(),
    completionSummary: z.string().optional(),
    tasks: z.array(TeamTask),
  },
} as const

type TaskFields = typeof taskEventFields
type Stamp = z.infer<z.ZodObject<typeof teamBase>>
type OfTeam<Event> = Event extends { event: infer Name extends string }
  ? Omit<Event, 'event' | 'agentId' | 'agentName'> & Stamp & { event: `Team${Name}` }
  : never
type TaskEvent = {
  [Name in keyof TaskFields]: Stamp & { event: `Team${Name}` } & z.infer<z.ZodObject<TaskFields[Name]>>
}[keyof TaskFields]

/** Every event of a team's own run; those of its members are their own. */
export type TeamEvent =
  | OfTeam<Exclude<AgentEvent, { event: 'CustomEvent' | 'RunCompleted' }>>
  | (OfTeam<Extract<AgentEvent, { event: 'RunCompleted' }>> & { memberResponses?: Run[] })
  | TaskEvent
  | CustomEvent

function named(name: string, fields: z.ZodRawShape): z.ZodObject {
  const event = `Team${name}`
  return z.object({ event: z.literal(event), ...teamBase, ...fields }).meta({ id: `${event}Event` })
}

/** The agents' events under the team's names, and those of the mode `tasks`. */
export const teamEvents: readonly z.ZodObject[] = [
  ...agentEvents.map((option) => {
    const { event, agentId: _id, agentName: _name, ...fields } = option.shape
    const name = [...event.values][0]!
    return named(
      name,
      name === 'RunCompleted' ? { ...fields, memberResponses: z.array(z.lazy(() => Run)).optional() } : fields,
    )
  }),
  ...Object.entries(taskEventFields).map(([name, fields]) => named(name, fields)),
]

/** Every event that a team's stream can hold of the team itself. */
export const TeamEvent = z
  .discriminatedUnion('event', [...teamEvents, CustomEvent] as never)
  .meta({ id: 'TeamEvent' }) as unknown as z.ZodType<TeamEvent>
