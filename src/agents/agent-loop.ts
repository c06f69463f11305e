import { toEpochSeconds } from '../core/clock.js'
import { openLeg, withInput } from './agent-leg.js'
import type { AgentLeg } from './agent-leg.js'
import type { AgentPlan } from './agent-plan.js'
import { contentEntries, isFinalResult, restOf, toCitations } from './answer-content.js'
import { textOf } from './conversation.js'
import { finish } from './finish.js'
import type { Answer } from './finish.js'
import type { Facts, LogEntry } from './log/entry.js'
import type { RunFold } from './log/fold.js'
import type { Message } from './log/message.js'
import { showsText } from './model-request.js'
import type { ModelStep } from './model-request.js'
import { modelStep } from './model-step.js'
import { opening } from './opening.js'
import { cancelNested } from './run-ending.js'
import { RunFailedError } from './run-failure.js'
import type { RunContext, Yielded } from './runnable.js'
import type { AskedCall } from './tool-call.js'
import { toolStep } from './tool-step.js'
import { newMessage } from './user-message.js'

/** How often the model may correct an answer that has not the form that was asked for. */
const MAX_CORRECTIONS = 2
/** Marks the messages that ask for a correction, so that a run that goes on knows how many there were. */
export const CORRECTION = 'output_correction'

/**
 * Runs an agent: asks its model, makes the calls that the model asks for, and asks again, until there is an answer.
 * Where a run stands is read off its log, so the same code begins a run and goes on with one.
 */
export async function* agentLoop(plan: AgentPlan, run: RunContext): AsyncGenerator<Yielded, void, void> {
  const { fold } = run
  const [{ id, provider }] = plan.models
  if (fold.startedAt === undefined) yield { event: { event: 'RunStarted', model: id, modelProvider: provider } }
  const orphans = cancelNested(fold.orphans, run.clock.now(), 'The call that it was made for was cut off.')
  if (orphans.length > 0) yield orphans

  let leg = await openLeg(plan, run)
  let joining: Facts | undefined
  for (;;) {
    if (!joining && isToOpen(fold)) {
      const opened = yield* openAll(leg)
      leg = opened.leg
      joining = opened.facts
    }
    const last = joining ? TO_ASK : standing(fold)
    const step = last.todo === 'ask' ? yield* askModel(leg, joining) : undefined
    joining = undefined
    const calls = step ? callsOf(step.message) : last.calls
    if (calls.length > 0) {
      const hasEnded = yield* toolStep(leg, calls, step ? [...spokenBetween(leg, step), step.completed] : [])
      if (hasEnded) return
      continue
    }
    const text = step ? step.response.content : last.text
    const answer = await leg.form?.check(text)
    if (answer && 'problem' in answer) {
      if (step) yield step.completed
      joining = correction(leg, answer.problem, last.todo === 'stop')
      continue
    }
    yield* finish(leg, { ...answer, step } satisfies Answer)
    return
  }
}

/** Where the conversation stands, by its last messages. */
interface Standing {
  todo: 'ask' | 'call' | 'answer' | 'stop'
  calls: AskedCall[]
  /** What the model, or the tool that ended the run, has said last. */
  text: string
}

const TO_ASK: Standing = { todo: 'ask', calls: [], text: '' }

/** Whether something joins the conversation now: the run's input, or what the user has said further. */
function isToOpen(fold: RunFold): boolean {
  if (fold.messages.length === 0) return true
  return fold.inputs.length > 0 && standing(fold).todo !== 'call'
}

/** What a user says further comes in as the run's input does: past the hooks, and checked. */
async function* openAll(leg: AgentLeg): AsyncGenerator<Yielded, { leg: AgentLeg; facts: Facts }> {
  const { inputs } = leg.run.fold
  let current = leg
  let facts: Facts = {}
  for (const input of inputs.length > 0 ? inputs : [undefined]) {
    const opened = yield* opening(input ? withInput(current, input) : current, facts.messages)
    current = opened.leg
    facts = opened.facts
  }
  return { leg: current, facts }
}

function standing({ messages, inheritedMessages }: RunFold): Standing {
  const at = messages.findLastIndex(({ role }) => role !== 'tool')
  const speaker = messages[at]
  if (speaker?.role !== 'assistant') return TO_ASK
  const results = messages.slice(at + 1)
  const answered = new Set(results.map(({ toolCallId }) => toolCallId))
  const calls = callsOf(speaker)
  const open = calls.filter(({ id }) => !answered.has(id))
  if (open.length > 0) return { todo: 'call', calls: open, text: '' }
  // Of a fork: that was the answer of its source.
  if (messages.length === inheritedMessages) return TO_ASK
  if (calls.length === 0) return { todo: 'answer', calls, text: textOf(speaker) }
  const final = results.findLast(isFinalResult)
  return final ? { todo: 'stop', calls: [], text: textOf(final) } : TO_ASK
}

function callsOf({ toolCalls = [] }: Message): AskedCall[] {
  return toolCalls.map(({ id, function: { name, arguments: args } }) => ({ id, name, arguments: args }))
}

/** @throws RunFailedError when the run has used up its steps or its tokens. */
async function* askModel(leg: AgentLeg, facts: Facts | undefined): AsyncGenerator<Yielded, ModelStep> {
  const { stepLimit, tokenBudget } = leg.plan
  const { fold } = leg.run
  let steps = 0
  for (const { role } of fold.ownMessages) if (role === 'assistant') steps++
  if (steps >= stepLimit) {
    const message = `The run has reached its limit of ${stepLimit} model steps without an answer.`
    throw new RunFailedError({ errorCode: 'STEP_LIMIT_REACHED', message, retryable: false })
  }
  if (fold.totalTokens >= tokenBudget) {
    const message = `The run has used ${fold.totalTokens} tokens, and its budget is ${tokenBudget}.`
    throw new RunFailedError({ errorCode: 'TOKEN_BUDGET_EXCEEDED', message, retryable: false })
  }
  return yield* modelStep(leg, facts)
}

/** What of a step that goes on with tool calls is to be shown and was not. */
function spokenBetween(leg: AgentLeg, { response }: ModelStep): LogEntry[] {
  if (leg.isHeld) return []
  const { fold } = leg.run
  return contentEntries({
    text: showsText(leg) ? restOf(response.content, fold.openText) : '',
    reasoning: restOf(response.reasoningContent ?? '', fold.openReasoning),
    citations: toCitations(response.citations),
  })
}

/** The message that asks the model to correct its answer. */
function correction({ run, form }: AgentLeg, problem: string, isFinal: boolean): Facts {
  const made = run.fold.ownMessages.filter(({ name }) => name === CORRECTION).length
  if (isFinal || made >= MAX_CORRECTIONS) {
    throw new RunFailedError({
      errorCode: 'OUTPUT_CHECK_FAILED',
      errorType: 'output_check_error',
      errorId: 'validation_failed',
      message: `The answer does not have the form that was asked for. ${problem}`,
      retryable: true,
    })
  }
  // Not every model is held to the schema, or was even told of it.
  const content =
    `Your answer does not have the form that was asked for:\n${problem}\n` +
    `Answer again, with nothing but JSON of this schema:\n${JSON.stringify(form?.format.schema)}`
  const createdAt = toEpochSeconds(run.clock.now())
  return { messages: [{ ...newMessage('user', createdAt), name: CORRECTION, content }] }
}
