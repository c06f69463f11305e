import type { TeamDescription } from '../description.js'
import type { Runnable } from '../runnable.js'
import type { Instructions } from '../system-message.js'
import type { TeamRules } from './team-rules.js'

const HOW: Record<TeamRules['mode'], string> = {
  coordinate:
    'Split the request into tasks where that helps, and delegate each to the member that fits it best, with all that ' +
    'it has to know: members do not see this conversation. Tasks that do not need each other can be delegated at ' +
    'once. Then make one answer of theirs. What needs no member you answer yourself.',
  route:
    'Hand the request over to the one member that fits it best, with all that it has to know: members do not see this ' +
    'conversation. Its answer goes to the user as it is.',
  broadcast:
    'Give the request to all members at once, with all that they have to know: members do not see this conversation. ' +
    'Then make one answer of theirs.',
  tasks:
    'Make a list of tasks that together do what is asked, then have members execute them, those that do not need each ' +
    'other at once. Members see nothing but their task. Look at the results, add or change tasks where that is ' +
    'needed, and go on until all are closed. Then complete the goal, and answer the user.',
}

/** What the leader of a team is told: its own instructions, who the members are, and how the team works. */
export function teamInstructions(own: Instructions | undefined, rules: TeamRules): Instructions {
  const told = `You lead a team.\n\n<members>\n${rules.members.map((member) => line(member)).join('\n')}\n</members>\n\n${HOW[rules.mode]}`
  if (typeof own !== 'function') return [own ?? '', told].filter(Boolean).join('\n\n')
  return async (context) => [await own(context), told].filter(Boolean).join('\n\n')
}

function line(member: Runnable): string {
  const { id, name } = member
  const { role, description } = member.describe() as TeamDescription
  const what = [role, description].filter(Boolean).join('. ')
  return `- ${id}${name === id ? '' : ` (${name})`}${what === '' ? '' : `: ${what}`}`
}
