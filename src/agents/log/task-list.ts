import type { RunEventBody } from './events.js'
import type { TeamTask } from './team-events.js'

/** {@link TaskList} as JSON. */
export interface TaskListState {
  tasks: TeamTask[]
  goalComplete: boolean
  completionSummary?: string
  rounds: number
  isInRound: boolean
  hasAnswered: boolean
}

/** The list of tasks that a team works through, as the events of its log tell it. */
export class TaskList {
  /** The leader has said that what was asked for is done. */
  goalComplete = false
  completionSummary: string | undefined
  /** Rounds that have begun. */
  rounds = 0
  isInRound = false
  /** The leader has given its answer in the current round, or asked for calls. */
  hasAnswered = false
  private readonly byId: Map<string, TeamTask>

  constructor(state?: TaskListState) {
    this.byId = new Map(state?.tasks.map((task) => [task.id, task]))
    if (!state) return
    this.goalComplete = state.goalComplete
    this.completionSummary = state.completionSummary
    this.rounds = state.rounds
    this.isInRound = state.isInRound
    this.hasAnswered = state.hasAnswered
  }

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
    switch (event.event) {
      case 'TaskCreated': {
        const { taskId, title, description, assignee, status, dependencies } = event
        this.byId.set(taskId, {
          id: taskId,
          title,
          status,
          dependencies,
          ...(description !== undefined && { description }),
          ...(assignee !== undefined && { assignee }),
        })
        break
      }
      case 'TaskUpdated': {
        const { taskId, status, result, assignee } = event
        const task = this.byId.get(taskId)
        const more = { ...(result !== undefined && { result }), ...(assignee !== undefined && { assignee }) }
        if (task) this.byId.set(taskId, { ...task, status, ...more })
        break
      }
      case 'TaskStateUpdated':
        this.goalComplete = event.goalComplete
        this.completionSummary = event.completionSummary
        break
      case 'TaskIterationStarted':
        this.rounds = event.iteration
        this.isInRound = true
        this.hasAnswered = false
        break
      case 'TaskIterationCompleted':
        this.isInRound = false
        break
      case 'ModelRequestCompleted':
        this.hasAnswered = this.isInRound
        break
      default:
    }
  }

  /** Nothing for a run that has no rounds. */
  state(): { tasks?: TaskListState } {
    const { tasks, goalComplete, completionSummary, rounds, isInRound, hasAnswered } = this
    if (rounds === 0 && tasks.length === 0 && !goalComplete) return {}
    return { tasks: { tasks, goalComplete, completionSummary, rounds, isInRound, hasAnswered } }
  }
}
