import type { ComponentId } from '../../runs/run-repository.js'

/** A run's component as one value; a kind has no space in it. */
export const COMPONENT = "(agentos_runs.component_kind || ' ' || agentos_runs.component_id)"

/** Components as {@link COMPONENT} spells them. */
export function namesOf(components: readonly ComponentId[]): string[] {
  return components.map(({ kind, id }) => `${kind} ${id}`)
}
