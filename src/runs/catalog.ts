import type { ComponentKind } from '../agents/log/source.js'
import type { Runnable } from '../agents/runnable.js'
import { ConfigurationError, NotFoundError } from '../core/errors.js'
import type { ComponentId } from './run-repository.js'

/** What can be run, by kind and id. */
export class Catalog {
  private readonly byId: Record<ComponentKind, Map<string, Runnable>> = {
    agent: new Map(),
    team: new Map(),
    workflow: new Map(),
  }

  /** @throws ConfigurationError when two components have the same id, or one has an id that can't stand in a path. */
  constructor(components: readonly Runnable[]) {
    for (const component of components) {
      if (typeof component?.execute !== 'function') {
        throw new ConfigurationError(
          'One of the agents is none. Pass new Agent({ … }), or a foreign one behind runnable({ … }).',
        )
      }
      const { kind, id } = component
      if (id.length === 0 || id.length > 255) {
        throw new ConfigurationError(`The id of ${kind} "${id}" must have 1 to 255 characters.`)
      }
      if (this.byId[kind].has(id)) throw new ConfigurationError(`Two ${kind}s have the id "${id}".`)
      this.byId[kind].set(id, component)
    }
  }

  /** In the order of registration. */
  all(kind: ComponentKind): Runnable[] {
    return [...this.byId[kind].values()]
  }

  /** Of every kind. */
  get components(): Runnable[] {
    return Object.values(this.byId).flatMap((components) => [...components.values()])
  }

  /** @throws NotFoundError `AGENT_NOT_FOUND`, `TEAM_NOT_FOUND` or `WORKFLOW_NOT_FOUND` */
  find({ kind, id }: ComponentId): Runnable {
    const component = this.byId[kind].get(id)
    if (!component) throw new NotFoundError(`${kind.toUpperCase()}_NOT_FOUND`, `There is no ${kind} "${id}".`)
    return component
  }
}
