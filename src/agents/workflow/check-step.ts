import { ConfigurationError } from '../../core/errors.js'

const MAX_NAME = 100

/** @throws ConfigurationError when a step can't have the name: it stands in the ids of steps. */
export function checkName(name: string): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME && !/[/:#\p{Cc}]/u.test(name)) return
  throw new ConfigurationError(
    `A step can't have the name ${JSON.stringify(name)}: use 1 to ${MAX_NAME} characters, none of them "/", ":" or "#".`,
  )
}

/** @throws ConfigurationError when two steps at one place have the same name: the log could not tell them apart. */
export function checkNames(name: string, steps: readonly { name: string }[]): void {
  checkName(name)
  const names = new Set<string>()
  for (const step of steps) {
    if (typeof step?.name !== 'string') throw new ConfigurationError(`"${name}" has a step that is none.`)
    if (names.has(step.name)) {
      throw new ConfigurationError(`"${name}" has two steps with the name "${step.name}". Rename one of them.`)
    }
    names.add(step.name)
  }
  if (steps.length === 0) throw new ConfigurationError(`"${name}" has no steps.`)
}
