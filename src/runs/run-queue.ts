import PQueue from 'p-queue'

/** Bounds how many runs a process executes at once. What waits is ordered by priority, then by when it came. */
export interface RunQueue {
  /** Executes when there is room; higher priorities first. */
  add(priority: number, execute: () => Promise<void>): void
  /** How many more would be executed at once, were they added now. */
  readonly room: number
}

/** The queue of one process. */
export class LocalRunQueue implements RunQueue {
  private readonly queue: PQueue

  constructor(private readonly concurrency: number) {
    this.queue = new PQueue({ concurrency })
  }

  add(priority: number, execute: () => Promise<void>): void {
    // What is executed deals with its own errors.
    void this.queue.add(execute, { priority })
  }

  get room(): number {
    return Math.max(0, this.concurrency - this.queue.pending - this.queue.size)
  }
}
