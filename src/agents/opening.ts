import { toEpochSeconds } from '../core/clock.js'
import { abortable } from './abortable.js'
import { withInput } from './agent-leg.js'
import type { AgentLeg } from './agent-leg.js'
import type { Facts } from './log/entry.js'
import type { Message } from './log/message.js'
import type { RunInput } from './log/run-record.js'
import { refusal } from './refusal.js'
import type { Yielded } from './runnable.js'
import { systemText } from './system-message.js'
import { newMessage, userMessage } from './user-message.js'

/**
 * What comes before the first model request: pre-hooks, input guardrails, and the messages that the conversation
 * begins with, or goes on with.
 *
 * @param joined messages that are about to join the conversation before.
 */
export async function* opening(
  leg: AgentLeg,
  joined: readonly Message[] = [],
): AsyncGenerator<Yielded, { leg: AgentLeg; facts: Facts }> {
  const { plan, run } = leg
  let current = leg
  for (const [place, hook] of plan.preHooks.entries()) {
    const preHookName = hook.name === '' ? `pre_hook_${place + 1}` : hook.name
    yield { event: { event: 'PreHookStarted', preHookName, runInput: current.about.input } }
    current = withInput(current, await hooked(current, hook))
    yield { event: { event: 'PreHookCompleted', preHookName, runInput: current.about.input } }
  }
  const { about } = current
  for (const check of plan.inputGuardrails) {
    try {
      await abortable(check({ input: about.input, context: about }), run.signal)
    } catch (error) {
      throw refusal(error, 'input')
    }
  }
  const now = toEpochSeconds(run.clock.now())
  const isFirst = joined.length === 0 && run.fold.messages.length === 0
  const instructions = isFirst ? await abortable(systemText(plan, run.options, about), run.signal) : ''
  return {
    leg: current,
    facts: {
      messages: [
        ...joined,
        ...(instructions === '' ? [] : [{ ...newMessage('system', now), content: instructions }]),
        userMessage(about.input, now),
      ],
      historyRunIds: [...run.historyRunIds],
    },
  }
}

async function hooked({ about, run }: AgentLeg, hook: AgentLeg['plan']['preHooks'][number]): Promise<RunInput> {
  try {
    const changed = await abortable(hook({ input: about.input, context: about }), run.signal)
    return typeof changed === 'string' ? { ...about.input, inputContent: changed } : (changed ?? about.input)
  } catch (error) {
    throw refusal(error, 'input')
  }
}
