import { ConfigurationError } from '../../core/errors.js'
import type { Confirmation } from './step-node.js'

const MAX_NAME = 100

/** @throws ConfigurationError when a step can't have the name: it stands in the ids of steps. */
export function checkName(name: string): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME && !/[/:#\p{Cc}]/u.test(name)) return
  throw new ConfigurationError(
    `A step can't have the name ${JSON.stringify(name)}: use 1 to ${MAX_NAME} characters, none of them "/", ":" or "#".`,
  )
}

/** @throws ConfigurationError when two steps at one place have the same name: the log could not tell them apart. */
export function checkNames(name: string, steps: readonly { name: string; node: object }[]): void {
  checkName(name)
  const names = new Set<string>()
  for (const step of steps) {
    if (typeof step?.node !== 'object') throw new ConfigurationError(`"${name}" has a step that is none.`)
    if (names.has(step.name)) {
      throw new ConfigurationError(`"${name}" has two steps with the name "${step.name}". Rename one of them.`)
    }
    names.add(step.name)
  }
  if (steps.length === 0) throw new ConfigurationError(`"${name}" has no steps.`)
}

/** @throws ConfigurationError for a number that is none, or too small. */
export function checkCount(name: string, what: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return
  throw new ConfigurationError(`"${name}" has ${what} ${value}: use a number from ${least} on.`)
}

/** @throws ConfigurationError when the times of a wait can't work, or an approval would not need to be given. */
export function checkConfirmation(name: string, { timeoutMs, onTimeout, approval }: Confirmation = {}): void {
  checkCount(name, 'timeoutMs', timeoutMs, 1)
  if (approval !== 'required' || onTimeout !== 'approve') return
  throw new ConfigurationError(`"${name}" asks for an approval, which nobody gives by waiting: use another onTimeout.`)
}
