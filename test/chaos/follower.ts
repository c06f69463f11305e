import { setTimeout as sleep } from 'node:timers/promises'

/** The part of an event that is judged. */
export interface SeenEvent {
  event: string
  event_index: number
  content?: unknown
  discard_after?: number
  requirements?: { id: string; tool_execution: { tool_call_id: string; tool_name: string; interrupted?: boolean } }[]
}

/** A server that says nothing for so long is taken for dead: it is frozen, or the run has to wait. */
const SILENCE_MS = 4_000

/**
 * A client that follows a run through crashes of the server: it resumes after the last event that it has seen, and
 * notices when something comes twice, is missing, or has changed.
 */
export class Follower {
  readonly seen: SeenEvent[] = []
  readonly faults: string[] = []
  /** Told of each event at once. */
  onEvent: (event: SeenEvent) => void = () => undefined
  private readonly base: () => string
  private readonly isEnd: (event: SeenEvent | undefined) => boolean

  /** `base` may be another server with each request; `isAnEnd` says where a leg of the run ends. */
  constructor(base: string | (() => string), isAnEnd = isEnd) {
    this.base = typeof base === 'string' ? () => base : base
    this.isEnd = isAnEnd
  }

  get last(): SeenEvent | undefined {
    return this.seen.at(-1)
  }

  /** The text that a reader has in front of it. */
  get text(): string {
    let shown: SeenEvent[] = []
    for (const event of this.seen) {
      if (event.event === 'RunRecovered') shown = shown.filter(({ event_index: at }) => at <= event.discard_after!)
      if (event.event === 'RunContent' && typeof event.content === 'string') shown.push(event)
    }
    return shown.map(({ content }) => String(content)).join('')
  }

  /** Reads a stream as far as it goes; false when the connection broke before it was ended. */
  async read(path: string, init: RequestInit = {}): Promise<boolean> {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), SILENCE_MS)
    try {
      const response = await fetch(this.base() + path, { ...init, signal: abort.signal })
      if (response.status === 204) return true
      if (!response.ok || !response.body) return false
      let text = ''
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        timer.refresh()
        text += chunk
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          this.frame(text.slice(0, end))
          text = text.slice(end + 2)
        }
      }
    } catch {
      return false
    } finally {
      clearTimeout(timer)
    }
    return this.isEnd(this.last)
  }

  /** Follows the run until it pauses or ends, through as many crashes as there are. */
  async follow(runPath: string, forMs = 60_000): Promise<SeenEvent> {
    const deadline = Date.now() + forMs
    let isOver = false
    while (!isOver) {
      if (Date.now() > deadline) throw new Error(`The run hangs after ${JSON.stringify(this.last)}`)
      const after = this.last === undefined ? '' : String(this.last.event_index)
      isOver = await this.read(`${runPath}/resume`, { headers: after === '' ? {} : { 'Last-Event-ID': after } })
      if (!isOver) await sleep(20)
    }
    return this.last!
  }

  private frame(frame: string): void {
    const data = frame.split('\n').find((line) => line.startsWith('data: '))
    const id = frame.split('\n').find((line) => line.startsWith('id: '))
    if (data === undefined || id === undefined) return
    const event = JSON.parse(data.slice(6)) as SeenEvent
    const expected = this.seen.length
    if (event.event_index !== expected) this.faults.push(`index ${event.event_index} where ${expected} was due`)
    if (String(event.event_index) !== id.slice(4)) this.faults.push(`id ${id} of event ${event.event_index}`)
    this.seen.push(event)
    this.onEvent(event)
  }
}

export function isEnd(event: SeenEvent | undefined): boolean {
  return event !== undefined && ['RunPaused', 'RunCompleted', 'RunCancelled', 'RunError'].includes(event.event)
}
