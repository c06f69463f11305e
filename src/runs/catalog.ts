import { ConfigurationError, NotFoundError } from '../core/errors.js'
import type { Runnable } from '../agents/runnable.js'

/** What can be run, by id. */
export class Catalog {
  private readonly byId = new Map<string, Runnable>()

  /** @throws ConfigurationError when two components have the same id, or one has an id that can't stand in a path. */
  constructor(components: readonly Runnable[]) {
    for (const component of components) {
      if (typeof component?.execute !== 'function') {
        throw new ConfigurationError(
          'One of the agents is none. Pass new Agent({ … }), or a foreign one behind runnable({ … }).',
        )
      }
      if (component.id.length === 0 || component.id.length > 255) {
        throw new ConfigurationError(`The id of ${component.kind} "${component.id}" must have 1 to 255 characters.`)
      }
      if (this.byId.has(component.id)) {
        throw new ConfigurationError(`Two ${component.kind}s have the id "${component.id}".`)
      }
      this.byId.set(component.id, component)
    }
  }

  /** In the order of registration. */
  get agents(): Runnable[] {
    return [...this.byId.values()]
  }

  /** @throws NotFoundError `AGENT_NOT_FOUND` */
  agent(id: string): Runnable {
    const agent = this.byId.get(id)
    if (!agent) throw new NotFoundError('AGENT_NOT_FOUND', `There is no agent "${id}".`)
    return agent
  }
}
