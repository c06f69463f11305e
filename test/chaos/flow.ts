import { Agent, approval, loop, map, parallel, sequence, sleep, step, Team, waitForEvent, Workflow } from 'agentos-sdk'
import type { Step, StepContext } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ScriptedReply } from 'agentos-sdk/models'
import { z } from 'zod'
import { effectTool, happen } from './agent.ts'

/** What each of them says in the end, with what it has said before. */
export const answers: Readonly<Record<string, string>> = {
  asker: 'I look at it first. It is paid, as you have asked for.',
  talker: 'I have to ask before that. It is sent, as they said.',
  payer: 'I pay what is open. All of that is paid now.',
  sender: 'I ask whether I may. It is sent.',
  signer: 'Somebody has to sign. Whatever was signed is here.',
  crew: 'The signer does it. The crew has it signed.',
  desk: 'Two of you can begin. Now somebody signs. All is done, and this is the end of the answer.',
}

/** A step's function whose effect somebody outside counts, under the step's id. */
function act<In, Out>(
  outside: string,
  name: string,
  give: (input: In, context: StepContext) => Out,
  { atMostOnce = false } = {},
): Step<In, Out> {
  return step({
    name,
    atMostOnce,
    run: async (input: In, context): Promise<unknown> => {
      const { stepId, idempotencyKey: key, runId } = context
      await happen(outside, { name: stepId, key, runId })
      return give(input, context)
    },
  }) as unknown as Step<In, Out>
}

/** Ten steps of every kind that waits, holds others or may run once only. */
export function chaosWorkflow(outside: string): Workflow<{ restMs: number }> {
  const once = { atMostOnce: true }
  const deep = new Workflow({
    id: 'deep',
    steps: sequence(
      'steps',
      act(outside, 'dig', () => 1000),
      act(outside, 'blast', (n: number) => n + 1000, once),
    ),
  })
  const asker = teller(
    'asker',
    [{ toolCalls: [{ name: 'note' }, { name: 'pay' }] }],
    [effectTool(outside, 'note', { idempotent: true }), effectTool(outside, 'pay')],
  )
  const talker = teller(
    'talker',
    [{ toolCalls: [{ name: 'send' }] }],
    [effectTool(outside, 'send', { requiresConfirmation: true })],
  )
  const sides = {
    left: act(outside, 'left', () => 10),
    right: act(outside, 'right', () => 100, once),
    talk: step({ name: 'talk', agent: talker }),
    deep: step({ name: 'deep', workflow: deep }),
  }
  return new Workflow({
    id: 'flow',
    input: z.object({ restMs: z.number() }),
    steps: sequence(
      'all',
      act(outside, 'begin', () => 1),
      act(outside, 'charge', (n: number) => n + 1, once),
      step({ name: 'ask', agent: asker, prompt: (n: number) => `Pay ${n}.` }),
      parallel('both', sides),
      // A step that nobody wanted to run again has passed its input on, which is a text.
      act(outside, 'sum', ({ left, right, deep: dug }: { left: number; right: unknown; deep: number }) =>
        [left, right, dug].reduce<number>((sum, n) => sum + (typeof n === 'number' ? n : 0), 0),
      ),
      loop({
        name: 'again',
        step: act(outside, 'turn', (n: number) => n + 1),
        until: (n) => n % 10 === 3,
        maxIterations: 5,
      }),
      approval<number>({ name: 'sure', approval: 'required' }),
      sleep<number>({ name: 'rest', ms: (_n, { input }) => (input.inputContent as { restMs: number }).restMs }),
      waitForEvent({ name: 'paid', event: 'paid', payload: z.array(z.number()) }),
      map({ name: 'each', step: act(outside, 'item', (n: number) => n * 10), concurrency: 2 }),
    ),
  })
}

/** A team in which one member may do something once only, one is asked, and one inside of a further team needs an approval. */
export function chaosTeam(outside: string): Team {
  const payer = teller(
    'payer',
    [{ toolCalls: [{ name: 'team_note' }, { name: 'team_pay' }] }],
    [effectTool(outside, 'team_note', { idempotent: true }), effectTool(outside, 'team_pay')],
  )
  const sender = teller(
    'sender',
    [{ toolCalls: [{ name: 'team_send' }] }],
    [effectTool(outside, 'team_send', { requiresConfirmation: true })],
  )
  const signer = teller(
    'signer',
    [{ toolCalls: [{ name: 'team_sign' }] }],
    [effectTool(outside, 'team_sign', { approval: 'required' })],
  )
  const crew = new Team({ id: 'crew', members: [signer], model: says('crew', [{ toolCalls: [handOver('signer')] }]) })
  return new Team({
    id: 'desk',
    members: [payer, sender, crew],
    tools: [effectTool(outside, 'team_file')],
    model: says('desk', [
      { toolCalls: [handOver('payer'), handOver('sender')] },
      { toolCalls: [handOver('crew'), { name: 'team_file' }] },
    ]),
  })
}

function teller(id: string, replies: readonly Reply[], tools: ReturnType<typeof effectTool>[]): Agent {
  return new Agent({ id, model: says(id, replies), tools })
}

type Reply = Exclude<ScriptedReply, string>

/** A model that says one sentence of the answer with each reply, slowly. */
function says(id: string, replies: readonly Reply[]) {
  const sentences = answers[id]!.match(/[^.]+\.( |$)/g)!
  return scripted((_request, at) => ({ content: sentences[at]!, ...replies[at] }), { chunkSize: 6, delayMs: 2 })
}

function handOver(member: string) {
  return { name: 'delegate_task_to_member', arguments: { member_id: member, task: 'Do your part.' } }
}
