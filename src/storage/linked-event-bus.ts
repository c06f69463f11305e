import { LocalEventBus, type EventBus } from '../runs/event-bus.js'

/** What processes tell each other. */
export interface BusMessage {
  kind: 'committed' | 'cancel' | 'turn'
  runId: string
  /** Of `committed`: the index of the last event. */
  lastIndex: number
}

/** The way to the other processes. */
export interface BusLink {
  publish(message: BusMessage): void
}

/** The bus of one process, linked to those of others while the database is open. */
export class LinkedEventBus implements EventBus {
  link: BusLink | undefined
  private readonly local: LocalEventBus

  /** @param hasForeignWrite whether another process has written since this was asked last, where no link tells. */
  constructor(hasForeignWrite?: () => boolean) {
    this.local = new LocalEventBus(hasForeignWrite)
  }

  committed(runId: string, lastIndex: number, payload?: unknown): void {
    this.local.committed(runId, lastIndex, payload)
    this.link?.publish({ kind: 'committed', runId, lastIndex })
  }

  cancelRequested(runId: string): void {
    this.local.cancelRequested(runId)
    this.link?.publish({ kind: 'cancel', runId, lastIndex: -1 })
  }

  turnCame(runId: string): void {
    this.local.turnCame(runId)
    this.link?.publish({ kind: 'turn', runId, lastIndex: -1 })
  }

  /** What another process has told. */
  hear({ kind, runId, lastIndex }: BusMessage): void {
    if (kind === 'committed') this.local.committed(runId, lastIndex)
    else if (kind === 'cancel') this.local.cancelRequested(runId)
    else this.local.turnCame(runId)
  }

  /** Messages may have been lost: everybody who waits looks for itself. */
  wakeAll(): void {
    this.local.wakeAll()
  }

  onCommitted(runId: string, listener: (lastIndex: number, payload?: unknown) => void): () => void {
    return this.local.onCommitted(runId, listener)
  }

  onCancelRequested(runId: string, listener: () => void): () => void {
    return this.local.onCancelRequested(runId, listener)
  }

  onTurnCame(runId: string, listener: () => void): () => void {
    return this.local.onTurnCame(runId, listener)
  }

  onForeignWrite(listener: () => void): () => void {
    return this.local.onForeignWrite(listener)
  }

  onAnyTurn(listener: (runId: string) => void): () => void {
    return this.local.onAnyTurn(listener)
  }
}
