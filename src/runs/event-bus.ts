import { EventEmitter } from 'eventemitter3'

/**
 * Wakes those who wait for a run: tails of its log, and its executor when it is to be cancelled. The tables are the
 * truth; a message only saves the wait until somebody looks.
 */
export interface EventBus {
  /** A segment of the run is on disk. `payload` is for listeners in this process, who then need not read it back. */
  committed(runId: string, lastIndex: number, payload?: unknown): void
  /** Somebody asked to cancel the run. */
  cancelRequested(runId: string): void
  /** The session was handed over to this pending run. */
  turnCame(runId: string): void
  onCommitted(runId: string, listener: (lastIndex: number, payload?: unknown) => void): () => void
  onCancelRequested(runId: string, listener: () => void): () => void
  onTurnCame(runId: string, listener: () => void): () => void
  /** Every hand-over, for whoever begins runs that nobody waits for. */
  onAnyTurn(listener: (runId: string) => void): () => void
  /**
   * Another process has written, and nothing tells what: look at the tables. Only from a storage whose processes send
   * each other no messages; it looks for such writes as long as somebody listens.
   */
  onForeignWrite(listener: () => void): () => void
}

/** How often writes of other processes are looked for while somebody waits for them. */
const LOOK_MS = 100

type Listener = Parameters<EventEmitter['on']>[1]

/** The bus of one process. */
export class LocalEventBus implements EventBus {
  private readonly emitter = new EventEmitter()
  private ticker: NodeJS.Timeout | undefined

  /**
   * @param hasForeignWrite whether another process has written since it was asked last; without it, there is no other
   *   process, or it sends messages of its own.
   */
  constructor(private readonly hasForeignWrite?: () => boolean) {}

  committed(runId: string, lastIndex: number, payload?: unknown): void {
    this.emitter.emit(`committed:${runId}`, lastIndex, payload)
  }

  cancelRequested(runId: string): void {
    this.emitter.emit(`cancel:${runId}`)
  }

  turnCame(runId: string): void {
    this.emitter.emit(`turn:${runId}`)
    this.emitter.emit('turn', runId)
  }

  onCommitted(runId: string, listener: (lastIndex: number, payload?: unknown) => void): () => void {
    return this.on(`committed:${runId}`, listener)
  }

  onCancelRequested(runId: string, listener: () => void): () => void {
    return this.on(`cancel:${runId}`, listener)
  }

  onTurnCame(runId: string, listener: () => void): () => void {
    return this.on(`turn:${runId}`, listener)
  }

  onAnyTurn(listener: (runId: string) => void): () => void {
    return this.on('turn', listener)
  }

  onForeignWrite(listener: () => void): () => void {
    if (this.hasForeignWrite) this.ticker ??= setInterval(() => this.lookForWrites(), LOOK_MS).unref()
    return this.on('foreign', listener)
  }

  private lookForWrites(): void {
    if (this.emitter.listenerCount('foreign') > 0) {
      if (this.hasForeignWrite?.()) this.emitter.emit('foreign')
      return
    }
    // Not as soon as the last listener leaves: with short runs, there soon is another one.
    clearInterval(this.ticker)
    this.ticker = undefined
  }

  /**
   * Has everybody look who waits for a log or a turn, as if something had happened. Not those who wait to be cancelled:
   * for them a message is an order, and marks are polled.
   */
  wakeAll(): void {
    for (const name of this.emitter.eventNames()) {
      if (typeof name !== 'string' || name.startsWith('cancel:')) continue
      if (name === 'turn') this.emitter.emit(name, '')
      else this.emitter.emit(name, -1)
    }
  }

  private on(name: string, listener: Listener): () => void {
    this.emitter.on(name, listener)
    return () => void this.emitter.off(name, listener)
  }
}
