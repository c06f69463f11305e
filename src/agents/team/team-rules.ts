import { ConfigurationError } from '../../core/errors.js'
import type { TeamMode } from '../description.js'
import type { Runnable } from '../runnable.js'

/** A team's options beyond those of its leader, checked and with their defaults. */
export interface TeamRules {
  readonly mode: TeamMode
  readonly members: readonly Runnable[]
  readonly memberInstructions: Readonly<Record<string, string>>
  readonly sharesMemberAnswers: boolean
  readonly sharesHistory: boolean
  readonly failsWithMember: boolean
}

/** @throws ConfigurationError when the members can't be told apart, or instructions are for nobody. */
export function checkRules(id: string, { members, memberInstructions }: TeamRules): void {
  if (members.length === 0) throw new ConfigurationError(`Team "${id}" has no members. Pass at least one.`)
  const ids = new Set<string>()
  for (const member of members) {
    if (typeof member?.execute !== 'function') {
      throw new ConfigurationError(`Team "${id}" has a member that is none. Pass agents or teams.`)
    }
    if (member.kind === 'workflow') {
      throw new ConfigurationError(`Team "${id}" has the workflow "${member.id}" as a member. Pass agents or teams.`)
    }
    if (ids.has(member.id)) throw new ConfigurationError(`Team "${id}" has two members with the id "${member.id}".`)
    ids.add(member.id)
  }
  const stranger = Object.keys(memberInstructions).find((name) => !ids.has(name))
  if (stranger !== undefined) {
    throw new ConfigurationError(`Team "${id}" has instructions for "${stranger}", which is no member of it.`)
  }
}

/** Every agent and team inside of a team, at whatever depth. */
export function everyMember(members: readonly Runnable[]): Runnable[] {
  return members.flatMap((member) => [member, ...everyMember(member.members ?? [])])
}
