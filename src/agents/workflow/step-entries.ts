import type { LogEntry } from '../log/entry.js'
import type { StepOutput } from '../log/step-record.js'
import type { Yielded } from '../runnable.js'
import { named } from './place.js'
import type { Place } from './place.js'
import { contentTypeOf, toJson } from './step-outcome.js'
import type { StepOutcome } from './step-outcome.js'

/** The end of a step; `facts`: what the log is to hold beside what the event shows. */
export function completedEntry(
  place: Place,
  output: StepOutput,
  facts: LogEntry['facts'] = { step: { stepId: place.id, isOver: true } },
): LogEntry {
  const { content, images, videos, audio, files } = output
  return {
    event: {
      event: 'StepCompleted',
      ...named(place),
      ...(content !== undefined && { content, contentType: contentTypeOf(content) }),
      ...(images && { images }),
      ...(videos && { videos }),
      ...(audio && { audio }),
      ...(files && { files }),
      stepResponse: output,
    },
    facts,
  }
}

/** What the log holds of a step that is over, and whose event shows no more than what came of the steps inside. */
export function outputFacts({ id }: Place, { steps: _steps, ...output }: StepOutput): LogEntry['facts'] {
  return { step: { stepId: id, output } }
}

/** Goes on with what the step was given. */
export async function* skipped(place: Place, input: unknown, error?: string): AsyncGenerator<Yielded, StepOutcome> {
  const output = passedOver(place, toJson(input), error)
  yield completedEntry(place, output, { step: { stepId: place.id, isOver: true, isPassedOver: true } })
  return { kind: 'done', value: input, output }
}

/** What came of a step that was passed over: what it was given goes on. */
export function passedOver(place: Place, content: StepOutput['content'], error?: string): StepOutput {
  return {
    stepName: place.name,
    stepId: place.id,
    ...(content !== undefined && { content }),
    success: error === undefined,
    ...(error !== undefined && { error }),
    stop: false,
    isPaused: false,
  }
}
