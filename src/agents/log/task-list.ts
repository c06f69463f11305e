import type { RunEventBody } from './events.js'
import type { TeamTask } from './team-events.js'

/** The list of tasks that a team works through, as the events of its log tell it. */
export class TaskList {
  private readonly byId = new Map<string, TeamTask>()
  /** The leader has said that what was asked for is done. */
  goalComplete = false
  completionSummary: string | undefined

  get tasks(): TeamTask[] {
    return [...this.byId.values()]
  }

  /** Those that are neither done nor given up. */
  get open(): TeamTask[] {
    return this.tasks.filter(({ status }) => status !== 'completed' && status !== 'failed')
  }

  get(id: string): TeamTask | undefined {
    return this.byId.get(id)
  }

  apply(event: RunEventBody): void {
    if (event.event === 'TaskCreated') {
      const { taskId, title, description, assignee, status, dependencies } = event
      this.byId.set(taskId, {
        ...{ id: taskId, title, status, dependencies },
        ...(description !== undefined && { description }),
        ...(assignee !== undefined && { assignee }),
      })
    } else if (event.event === 'TaskUpdated') {
      const { taskId, status, result, assignee } = event
      const task = this.byId.get(taskId)
      if (!task) return
      this.byId.set(taskId, {
        ...task,
        status,
        ...(result !== undefined && { result }),
        ...(assignee !== undefined && { assignee }),
      })
    } else if (event.event === 'TaskStateUpdated') {
      this.goalComplete = event.goalComplete
      this.completionSummary = event.completionSummary
    }
  }
}
