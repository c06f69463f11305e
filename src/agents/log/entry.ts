import type { JsonValue } from '../../core/json.js'
import type { Decision } from './decision.js'
import type { RunEventBody } from './events.js'
import type { Message } from './message.js'

/** Top-level keys of the session state that a run changed; `undefined` stands for a key that it removed. */
export interface StatePatch {
  set: Record<string, JsonValue>
  removed?: string[]
}

/** What it takes to go on from an entry. Never on the wire. */
export interface Facts {
  /** Messages that joined the conversation with this entry, in order. */
  messages?: Message[]
  /** What the messages say may still be refused: nobody sees it before the run is completed. */
  isWithheld?: boolean
  /** Id of the tool message that the event's `tool` becomes; its content is `tool.result`. */
  toolMessageId?: string
  statePatch?: StatePatch
  /** What was decided about calls that the run has waited for. */
  decisions?: Decision[]
  /** The earlier runs of the session whose messages the model sees before this run's own, oldest first. */
  historyRunIds?: string[]
}

/** One entry of a run's log: what the contract shows, and what it takes to go on. */
export interface LogEntry {
  event: RunEventBody
  facts?: Facts
}

/**
 * Events at which a run has reached a point that it can go on from, or is about to do what can't be undone: they are
 * on disk before the run goes on.
 */
const DURABLE = new Set<RunEventBody['event']>([
  'ModelRequestCompleted',
  'ToolCallStarted',
  'ToolCallCompleted',
  'RunRecovered',
  'RunContinued',
  'RunPaused',
  'RunCompleted',
  'RunCancelled',
  'RunError',
])

/** Whether the run waits until this entry is on disk. */
export function isDurable({ event }: LogEntry): boolean {
  return DURABLE.has(event.event)
}
