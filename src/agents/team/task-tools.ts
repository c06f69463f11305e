import { z } from 'zod'
import type { DelegatingTool, Delegated, DelegationContext } from '../delegation.js'
import type { LogEntry } from '../log/entry.js'
import type { TaskList } from '../log/task-list.js'
import type { TaskStatus, TeamTask } from '../log/team-events.js'
import type { Runnable, Yielded } from '../runnable.js'
import { delegating, memberId } from './delegate-tools.js'
import { memberRun } from './member-run.js'
import type { TeamRules } from './team-rules.js'

/** The tools with which a leader keeps its list of tasks, and has its members do them. */
export function taskTools(rules: TeamRules): DelegatingTool[] {
  return [createTask(rules), executeTask(rules), updateTask(), completeGoal()]
}

function createTask({ members }: TeamRules): DelegatingTool {
  const input = z.object({
    title: z.string().min(1),
    description: z.string().optional().describe('What is to be done, with all that the member has to know for that.'),
    assignee: memberId(members).optional().describe('Which member is to do it.'),
    depends_on: z.array(z.string()).optional().describe('Ids of the tasks that must be completed before.'),
  })
  return delegating('create_task', 'Adds a task to the list.', input, async function* (args, { run, execution }) {
    const { title, description, assignee, depends_on: dependencies = [] } = args
    const { tasks } = run.fold
    const unknown = dependencies.find((id) => !tasks.get(id))
    if (unknown !== undefined) return { result: `There is no task "${unknown}".\n${summary(tasks)}`, isError: true }
    // Its id comes from the call, so that a call that a crash has cut off makes no second task.
    const taskId = `task_${execution.toolCallId}`
    if (!tasks.get(taskId)) {
      const given = { ...(description !== undefined && { description }), ...(assignee && { assignee }) }
      yield { event: { event: 'TaskCreated', taskId, title, ...given, status: 'pending', dependencies } }
    }
    return { result: `Task ${taskId} is on the list.\n${summary(tasks)}` }
  })
}

function executeTask(rules: TeamRules): DelegatingTool {
  const input = z.object({
    task_id: z.string(),
    member_id: memberId(rules.members).optional().describe('Who is to do it, where it is not assigned.'),
  })
  const description =
    'Has a member do a task of the list, and returns its answer. Tasks without dependencies between them can be executed at once.'
  return delegating('execute_task', description, input, async function* (args, context) {
    const { tasks } = context.run.fold
    const task = tasks.get(args.task_id)
    if (!task) return { result: `There is no task "${args.task_id}".\n${summary(tasks)}`, isError: true }
    const memberName = args.member_id ?? task.assignee
    const member = rules.members.find(({ id }) => id === memberName)
    if (!member) return { result: `Task ${task.id} has no assignee. Pass a member_id.`, isError: true }
    const missing = task.dependencies.filter((id) => tasks.get(id)?.status !== 'completed')
    if (missing.length > 0) {
      return { result: `Task ${task.id} waits for ${missing.join(', ')}.\n${summary(tasks)}`, isError: true }
    }
    return yield* executed(rules, member, task, context)
  })
}

async function* executed(
  rules: TeamRules,
  member: Runnable,
  task: TeamTask,
  context: DelegationContext,
): AsyncGenerator<Yielded, Delegated> {
  const { tasks } = context.run.fold
  if (task.status !== 'in_progress') yield changed(task, 'in_progress', { assignee: member.id })
  const asked = task.description === undefined ? task.title : `${task.title}\n\n${task.description}`
  const outcome = yield* memberRun(rules, member, asked, context)
  if ('waiting' in outcome) return outcome
  const { result, isError = false } = outcome
  yield changed(tasks.get(task.id) ?? task, isError ? 'failed' : 'completed', { result })
  return { ...outcome, result: `${result}\n\n${summary(tasks)}` }
}

function updateTask(): DelegatingTool {
  const input = z.object({
    task_id: z.string(),
    status: z.enum(['pending', 'completed', 'failed', 'blocked']),
    result: z.string().optional().describe('What came of it, or why it is not done.'),
  })
  return delegating('update_task', 'Changes the state of a task.', input, async function* (args, { run }) {
    const { tasks } = run.fold
    const task = tasks.get(args.task_id)
    if (!task) return { result: `There is no task "${args.task_id}".\n${summary(tasks)}`, isError: true }
    if (task.status !== args.status || task.result !== args.result) {
      yield changed(task, args.status, args.result === undefined ? {} : { result: args.result })
    }
    return { result: summary(tasks) }
  })
}

function completeGoal(): DelegatingTool {
  const input = z.object({ summary: z.string().describe('What was achieved.') })
  const description = 'Says that what the user asked for is done. Answer the user after it.'
  return delegating('complete_goal', description, input, async function* (args, { run }) {
    const { tasks } = run.fold
    const open = tasks.open.map(({ id }) => id)
    if (open.length > 0)
      return { result: `These tasks are open: ${open.join(', ')}. Close them before.`, isError: true }
    yield stateEntry(tasks, { goalComplete: true, completionSummary: args.summary })
    return { result: 'The goal is complete. Answer the user now.' }
  })
}

function changed(task: TeamTask, status: TaskStatus, more: { result?: string; assignee?: string }): LogEntry {
  const { id: taskId, title, status: previousStatus } = task
  const assignee = more.assignee ?? task.assignee
  return {
    event: { event: 'TaskUpdated', taskId, title, status, previousStatus, ...more, ...(assignee && { assignee }) },
  }
}

/** The whole list, as an event. */
export function stateEntry(
  tasks: TaskList,
  { goalComplete, completionSummary }: Pick<TaskList, 'goalComplete' | 'completionSummary'> = tasks,
): LogEntry {
  return {
    event: {
      event: 'TaskStateUpdated',
      taskSummary: summary(tasks),
      goalComplete,
      ...(completionSummary !== undefined && { completionSummary }),
      tasks: tasks.tasks,
    },
  }
}

/** The list as the leader reads it. */
export function summary({ tasks }: TaskList): string {
  if (tasks.length === 0) return 'There are no tasks.'
  return tasks
    .map(({ id, title, status, assignee }) => `- ${id} [${status}] ${title}${assignee ? ` (${assignee})` : ''}`)
    .join('\n')
}
