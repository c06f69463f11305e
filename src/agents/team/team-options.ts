import type { z } from 'zod'
import type { AgentOptions } from '../agent-options.js'
import type { TeamMode } from '../description.js'
import type { Runnable } from '../runnable.js'

/** What a {@link Team} is made of: what its leader is made of, and who its members are. */
export interface TeamOptions<
  Output extends z.ZodType | undefined = undefined,
  Input extends z.ZodType | undefined = undefined,
> extends AgentOptions<Output, Input> {
  /** Agents, foreign agents and teams. Their ids must differ. */
  members: readonly [Runnable, ...Runnable[]]
  /**
   * How they work together. Default: `coordinate`.
   *
   * - `coordinate`: the leader plans, delegates to one or several members, and makes one answer of theirs.
   * - `route`: the leader hands over to one member, whose answer is the answer.
   * - `broadcast`: all members work on the same task at once, and the leader makes one answer of theirs.
   * - `tasks`: the leader keeps a list of tasks, delegates them, and goes on until all are done.
   */
  mode?: TeamMode
  /** What a member is told in this team beside its task, by its id. */
  memberInstructions?: Readonly<Record<string, string>>
  /** Members see what those before them in the same run were asked, and have answered. Default: false. */
  sharesMemberAnswers?: boolean
  /** Members see the earlier runs of the session that the leader sees. Default: false. */
  sharesHistory?: boolean
  /** A member that fails fails the team. Default: false, its leader is told and goes on. */
  failsWithMember?: boolean
}
