/** Where a step stands in a run of its workflow. */
export interface Place {
  /** Names the step in the log, the same in each execution of the run: the names on the way to it. */
  readonly id: string
  readonly name: string
  /** From 0; of a step inside of another the places on the way to it. */
  readonly index: number | number[]
  /** Of a step inside of another. */
  readonly parentId?: string
  /** In a loop, from 1. */
  readonly iteration?: number
}

/** The place of a step inside of another one. `turn`: which iteration or item, where it runs more than once. */
export function placeInside(
  parent: Place,
  name: string,
  at: number,
  turn?: { of: 'loop' | 'map'; number: number },
): Place {
  const around = turn ? `${parent.id}#${turn.number}` : parent.id
  const iteration = turn?.of === 'loop' ? turn.number : parent.iteration
  return {
    id: `${around}/${name}`,
    name,
    index: [...[parent.index].flat(), at],
    parentId: parent.id,
    ...(iteration !== undefined && { iteration }),
  }
}

/** What all events of a step say of it. */
export function named({ id, name, index, parentId }: Place) {
  return {
    stepId: id,
    ...(parentId !== undefined && { parentStepId: parentId }),
    stepName: name,
    stepIndex: index,
  }
}

/** The place of a step among the outermost ones. */
export function outermostIndex({ index }: Place): number {
  return typeof index === 'number' ? index : (index[0] ?? 0)
}
