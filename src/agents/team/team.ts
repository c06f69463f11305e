import type { JsonValue } from '../../core/json.js'
import { agentLoop } from '../agent-loop.js'
import { planOf } from '../agent-plan.js'
import { describeAgent } from '../describe-agent.js'
import type { TeamDescription, TeamMode } from '../description.js'
import { startRun } from '../memory-run.js'
import type { AgentRunOptions, AgentStream, TeamRunOf } from '../memory-run.js'
import { ModelComponent } from '../model-component.js'
import type { ContentOf, InputOf, Schema } from '../model-component.js'
import type { MadeDecision, RunContext, Runnable, Yielded } from '../runnable.js'
import { delegateTools } from './delegate-tools.js'
import { taskRounds } from './task-rounds.js'
import { taskTools } from './task-tools.js'
import { teamInstructions } from './team-instructions.js'
import type { TeamOptions } from './team-options.js'
import { checkRules, everyMember } from './team-rules.js'
import type { TeamRules } from './team-rules.js'

/**
 * Several agents under one leader, run like one: the leader is a model that has the members as its tools. Members'
 * runs are runs of their own inside of the team's, with their own ids and events.
 *
 * It is an ordinary object. `run` and `stream` work by themselves, in memory; served by an `AgentOS`, its runs are
 * stored and belong to sessions.
 *
 * @example
 * ```ts
 * const desk = new Team({
 *   id: 'desk',
 *   model: openai('gpt-5-mini'),
 *   members: [orders, refunds],
 *   mode: 'route',
 * })
 * const run = await desk.run('Where is order 7?')
 * ```
 */
export class Team<Output extends Schema = undefined, Input extends Schema = undefined> extends ModelComponent {
  readonly kind = 'team'
  readonly mode: TeamMode
  readonly members: readonly Runnable[]
  private readonly stepLimit: number
  private readonly description: TeamDescription

  /** @throws ConfigurationError when the options can't work; it says which, and what to do. */
  constructor(options: TeamOptions<Output, Input>) {
    const rules = rulesOf(options)
    const { instructions, tools = [] } = options
    checkRules(options.id, rules)
    const own = rules.mode === 'tasks' ? taskTools(rules) : delegateTools(rules)
    const plan = planOf(
      { ...options, instructions: teamInstructions(instructions, rules), tools: [...tools, ...own] },
      'Team',
    )
    super(options, plan)
    this.mode = rules.mode
    this.members = rules.members
    this.stepLimit = plan.stepLimit
    const { extraMessages: _messages, ...description } = describeAgent(options, planOf(options, 'Team'))
    this.description = {
      ...description,
      mode: this.mode,
      members: this.members.map((member) => member.describe() as TeamDescription),
    }
  }

  /**
   * Runs the team in memory; nothing is stored. A run that fails does not throw: its `status` is `error`, and `error`
   * says why.
   *
   * @throws ValidationError when the input or the options are refused before the run begins.
   */
  async run(input: InputOf<Input>, options: AgentRunOptions = {}): Promise<TeamRunOf<ContentOf<Output>>> {
    return (await startRun(this, input as JsonValue, options, false).result) as unknown as TeamRunOf<ContentOf<Output>>
  }

  /**
   * Like {@link run}, told while it goes on: the events of the team, and those of its members, told apart by `runId`.
   * Leaving the loop early cancels the run.
   *
   * @throws ValidationError when the input or the options are refused before the run begins.
   */
  stream(
    input: InputOf<Input>,
    options: AgentRunOptions = {},
  ): AgentStream<ContentOf<Output>, TeamRunOf<ContentOf<Output>>> {
    return startRun(this, input as JsonValue, options, true) as unknown as AgentStream<
      ContentOf<Output>,
      TeamRunOf<ContentOf<Output>>
    >
  }

  /** Those about calls of members are for the members to check. */
  override async checkDecisions(decisions: readonly MadeDecision[]): Promise<void> {
    await super.checkDecisions(decisions.filter(({ member }) => member === undefined))
    const inside = everyMember(this.members)
    for (const { decision, tool, member } of decisions) {
      if (!member) continue
      const owners = inside.filter(({ id }) => id === member.memberAgentId)
      await anyOf(owners, (owner) => owner.checkDecisions?.([{ decision, tool }]))
    }
  }

  override execute(context: RunContext): AsyncGenerator<Yielded, void, void> {
    const entries = agentLoop(this.plan, context)
    return this.mode === 'tasks' ? taskRounds(entries, context, this.stepLimit) : entries
  }

  describe(): TeamDescription {
    return this.description
  }
}

/** Members of two teams may have the same id: it is enough that one of them passes. */
async function anyOf(
  owners: readonly Runnable[],
  check: (owner: Runnable) => Promise<void> | undefined,
): Promise<void> {
  const failures: unknown[] = []
  for (const owner of owners) {
    try {
      return await check(owner)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

function rulesOf({ members, mode, memberInstructions, ...rest }: TeamOptions<Schema, Schema>): TeamRules {
  return {
    mode: mode ?? 'coordinate',
    members: members ?? [],
    memberInstructions: memberInstructions ?? {},
    sharesMemberAnswers: rest.sharesMemberAnswers ?? false,
    sharesHistory: rest.sharesHistory ?? false,
    failsWithMember: rest.failsWithMember ?? false,
  }
}
