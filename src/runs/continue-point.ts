import { CORRECTION } from '../agents/agent-loop.js'
import type { RunFold } from '../agents/log/fold.js'
import type { Message } from '../agents/log/message.js'
import { wholeExchanges } from '../agents/log/tool-exchange.js'
import { ValidationError } from '../core/errors.js'
import type { CheckedContinue } from './continue-run.js'

/**
 * How many of a run's messages stay when it is continued; undefined for all of them, and what the user has said that
 * is no message yet.
 *
 * @throws ValidationError `CONTINUE_INDEX_OUT_OF_RANGE`
 */
export function continuePoint(
  fold: Pick<RunFold, 'messages' | 'inputs' | 'openRequirements'>,
  { continueFrom = 'end', regenerate = false }: CheckedContinue,
  isFork: boolean,
): number | undefined {
  const { messages, inputs } = fold
  if (typeof continueFrom === 'number') return atIndex(fold, continueFrom, isFork)
  // What the user has said last is still to be answered.
  const isAnswered = inputs.length === 0
  const end = continueFrom === 'last_user' && isAnswered ? lastUser(messages) : messages.length
  if (regenerate) return nonePart(messages, isAnswered ? withoutAnswer(messages, end) : end, isAnswered)
  if (end < messages.length) return wholeExchanges(messages, end)
  // Calls that wait are decided about in the fork. Others that are open may have been made: its model asks anew.
  const isWhole = !isFork || fold.openRequirements.length > 0
  return isWhole ? undefined : nonePart(messages, end, false)
}

/**
 * The end of a run is a boundary as it is: calls that are open there are what the run waits for, or goes on with. A fork
 * takes over those only that it decides about itself.
 */
function atIndex(
  { messages, openRequirements }: Pick<RunFold, 'messages' | 'openRequirements'>,
  index: number,
  isFork: boolean,
): number {
  if (index === messages.length && (!isFork || openRequirements.length > 0)) return index
  if (index >= 0 && index <= messages.length) return wholeExchanges(messages, index)
  const message = `is ${index}, but the run has ${messages.length} messages; send 0 to ${messages.length}`
  throw new ValidationError('CONTINUE_INDEX_OUT_OF_RANGE', `continue_from ${message}.`, [
    { path: 'continue_from', message },
  ])
}

/** Undefined where nothing is cut off. */
function nonePart(messages: readonly Message[], count: number, mustCut: boolean): number | undefined {
  const whole = wholeExchanges(messages, count)
  return whole === messages.length && !mustCut ? undefined : whole
}

/** A message that asks the model for another form is none of the user's. */
function lastUser(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role, name }) => role === 'user' && name !== CORRECTION) + 1
}

function withoutAnswer(messages: readonly Message[], end: number): number {
  let count = end
  while (count > 0 && isAnswer(messages[count - 1]!)) count--
  return count
}

function isAnswer({ role, toolCalls = [] }: Message): boolean {
  return role === 'assistant' && toolCalls.length === 0
}
