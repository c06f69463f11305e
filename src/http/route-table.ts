import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { ConfigurationError } from '../core/errors.js'
import type { CompiledRoute } from './compiled-route.js'

/** The routes of one path, by method in upper case. */
export interface PathEntry<Services> {
  methods: ReadonlyMap<string, CompiledRoute<Services>>
  /** Value of the `Allow` header. */
  allow: string
}

export interface RouteMatch<Services> {
  entry: PathEntry<Services>
  /** Raw path segments of the parameters, in order. */
  params: readonly string[]
}

/** Finds routes by path, so that a wrong method is told from a wrong path by one look-up. */
export class RouteTable<Services> {
  private readonly router = new SmartRouter<PathEntry<Services>>({ routers: [new RegExpRouter(), new TrieRouter()] })

  constructor(routes: readonly CompiledRoute<Services>[]) {
    const byPattern = new Map<string, Map<string, CompiledRoute<Services>>>()
    const operationIds = new Set<string>()
    for (const compiled of routes) {
      const { method, path, operationId } = compiled.route
      // Parameters are told apart by position: two routes may name the same segment differently.
      let position = 0
      const pattern = path.replace(/\{\w+\}/g, () => `:${position++}`)
      const methods = byPattern.get(pattern) ?? new Map<string, CompiledRoute<Services>>()
      if (methods.has(method.toUpperCase()))
        throw new ConfigurationError(`Two routes are ${method.toUpperCase()} ${path}.`)
      if (operationIds.has(operationId))
        throw new ConfigurationError(`Two routes have the operation id "${operationId}".`)
      operationIds.add(operationId)
      byPattern.set(pattern, methods.set(method.toUpperCase(), compiled))
    }
    for (const [pattern, methods] of [...byPattern].sort(([a], [b]) => (specificity(a) < specificity(b) ? -1 : 1))) {
      this.router.add('ALL', pattern, { methods, allow: allowed(methods) })
    }
    if (byPattern.size === 0) this.router.add('ALL', '/', { methods: new Map(), allow: '' })
  }

  match(path: string): RouteMatch<Services> | undefined {
    const [matches, stash] = this.router.match('GET', path)
    const first = matches[0]
    if (!first) return undefined
    const [entry, found] = first
    const params: string[] = []
    for (let position = 0; found[position] !== undefined; position++) {
      const at = found[position]!
      params.push(typeof at === 'number' ? stash![at]! : at)
    }
    return { entry, params }
  }
}

/** Sorts fixed segments before parameters: the router returns its matches in the order of registration. */
function specificity(pattern: string): string {
  return pattern
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '1' : '0'))
    .join('')
}

function allowed(methods: ReadonlyMap<string, unknown>): string {
  const names = [...methods.keys()]
  if (methods.has('GET')) names.push('HEAD')
  return [...names, 'OPTIONS'].join(', ')
}
