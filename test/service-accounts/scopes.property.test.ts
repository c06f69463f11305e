import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { AgentOSError } from '../../src/core/errors.js'
import { SCOPE_ACTIONS, SCOPE_RESOURCES } from '../../src/core/scopes.js'
import type { Caller } from '../../src/core/caller.js'
import { closedServer, user } from './support.js'

/** Component ids, of which some are written encoded in a scope. */
const IDS = ['support', 'a:b', '50%', '%3A', '*x'] as const
/** Stands for each component that no scope here names. */
const OTHERS = 'every other one'

/**
 * What a set of scopes lets its holder do, told from the grammar alone: `resource id action` for each thing that can
 * be done. Written without the code under test.
 */
function rightsOf(scopes: readonly string[]): Set<string> {
  const rights = new Set<string>()
  const all = [...IDS, OTHERS]
  for (const scope of scopes) {
    const everything = scope === 'agent_os:admin'
    const [, first = '', id, action = ''] = /^([a-z_]+)(?::([^:]+))?:([a-z]+)$/.exec(scope) ?? []
    const named = first === 'system' ? 'config' : first
    for (const resource of SCOPE_RESOURCES) {
      for (const one of SCOPE_ACTIONS) {
        const fits = everything || (resource === named && one === action)
        if (!fits) continue
        const covered =
          everything || id === undefined || id === '*' ? all : [id.replaceAll(/%3a/gi, ':').replaceAll('%25', '%')]
        for (const component of covered) rights.add(`${resource} ${component} ${one}`)
      }
    }
  }
  return rights
}

const encoded = (id: string): string => id.replaceAll('%', '%25').replaceAll(':', '%3A')
const resource = fc.constantFrom(...SCOPE_RESOURCES, 'system' as const)
const action = fc.constantFrom(...SCOPE_ACTIONS)
const component = fc.constantFrom('agents', 'teams', 'workflows')
const scope = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(resource, action).map(([name, what]) => `${name}:${what}`) },
  { weight: 3, arbitrary: fc.tuple(resource, action).map(([name, what]) => `${name}:*:${what}`) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(component, fc.constantFrom(...IDS), action)
      .map(([name, id, what]) => `${name}:${encoded(id)}:${what}`),
  },
  { weight: 1, arbitrary: fc.constant('agent_os:admin') },
)

/** A chain: each link is minted by the one before, or by the first where that one was refused. */
const chain = fc.tuple(
  fc.array(scope, { maxLength: 6 }),
  fc.array(fc.tuple(fc.array(scope, { maxLength: 3 }), fc.array(fc.nat(), { maxLength: 4 })), {
    minLength: 1,
    maxLength: 6,
  }),
)

it('no chain of tokens gains a right, and each right that is held can be handed on', async () => {
  const { service, verifier } = await closedServer({ cacheTtlSeconds: 0 })
  let minted = 0
  let refused = 0
  let nth = 0
  await fc.assert(
    fc.asyncProperty(chain, async ([start, links]) => {
      const isAdmin = start.includes('agent_os:admin')
      let minter: Caller = user(`user-${++nth}`, start, { admin: isAdmin, scoped: !isAdmin })
      for (const [wished, picked] of links) {
        // Some of what the minter holds as it is, and some wishes.
        const kept = minter.scopes.length === 0 ? [] : picked.map((at) => minter.scopes[at % minter.scopes.length]!)
        const scopes = [...kept, ...wished]
        const held = rightsOf(minter.scopes)
        const isHeld = [...rightsOf(scopes)].every((right) => held.has(right))
        const input = { name: `n-${++nth}`, scopes, allowPrivilegedScopes: true, neverExpires: true }
        const outcome = await service.mint(minter, input).catch((error: unknown) => error)
        const said = outcome instanceof AgentOSError ? outcome.code : 'minted'
        expect(said, `${String(scopes)} from ${String(minter.scopes)}`).toBe(isHeld ? 'minted' : 'SCOPE_NOT_HELD')
        if (said !== 'minted') {
          refused++
          continue
        }
        minted++
        minter = await verifier.verify((outcome as { token: string }).token, undefined)
        expect([...rightsOf(minter.scopes)].filter((right) => !held.has(right))).toEqual([])
      }
    }),
    { numRuns: 400 },
  )
  process.stdout.write(`${minted} tokens minted, ${refused} refused\n`)
  expect(minted).toBeGreaterThan(200)
  expect(refused).toBeGreaterThan(200)
})
