import { setTimeout as sleep } from 'node:timers/promises'
import type { Model } from '../models/model.js'
import { retryDelay } from '../models/retry.js'
import type { AgentLeg } from './agent-leg.js'
import type { Facts, LogEntry } from './log/entry.js'
import { finishedStep, requestModel } from './model-request.js'
import type { Asked, ModelStep } from './model-request.js'
import type { Yielded } from './runnable.js'

/**
 * Asks the model, and asks again where that may help: the same model after a wait, then the next one. Each request has
 * an event of its own; what a failed one has shown is withdrawn first.
 *
 * @param facts what joins the conversation with this step.
 */
export async function* modelStep(leg: AgentLeg, facts: Facts | undefined): AsyncGenerator<Yielded, ModelStep> {
  const { plan, run } = leg
  const asked: Asked = { number: 0, shownAfter: undefined }
  let joining = facts
  let failure: unknown
  for (const model of plan.models) {
    for (let attempt = 1; ; attempt++) {
      asked.number++
      if (asked.shownAfter !== undefined) yield recovered(asked, attempt)
      asked.shownAfter = undefined
      yield started(model, joining)
      joining = undefined
      try {
        return finishedStep(leg, model, yield* requestModel(leg, model, asked))
      } catch (error) {
        run.signal.throwIfAborted()
        failure = error
      }
      const delay = retryDelay(failure, attempt, plan.retry)
      const { runId, logger, signal } = run
      logger.warn({ err: failure, runId, model: model.id, attempt, retryInMs: delay }, 'A model request failed')
      if (delay === undefined) break
      // The timer rejects with an error of its own; why it was aborted is what counts.
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
  throw failure
}

function started(model: Model, facts: Facts | undefined): LogEntry {
  return {
    event: { event: 'ModelRequestStarted', model: model.id, modelProvider: model.provider },
    ...(facts && { facts }),
  }
}

function recovered({ shownAfter = -1, number }: Asked, attempt: number): LogEntry {
  return {
    event: {
      event: 'RunRecovered',
      discardAfter: shownAfter,
      attempt: number,
      reason: attempt > 1 ? 'model_retry' : 'model_fallback',
    },
  }
}
