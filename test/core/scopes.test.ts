import { describe, expect, it } from 'vitest'
import type { Caller } from '../../src/core/caller.js'
import { componentScope, heldComponents, holdsScope } from '../../src/core/scopes.js'
import type { Scope } from '../../src/core/scopes.js'

const callerWith = (...scopes: string[]): Caller => ({ kind: 'user', userId: 'u', scopes, admin: false, scoped: false })
const holds = (scope: string, required: Scope, id?: string): boolean => holdsScope(callerWith(scope), required, id)

describe('holdsScope', () => {
  it('takes the global scope, the one of every id, and the one of this component', () => {
    for (const scope of ['agents:run', 'agents:*:run', 'agents:support:run'])
      expect(holds(scope, 'agents:run', 'support')).toBe(true)
    for (const scope of [
      'agents:other:run',
      'agents:read',
      'teams:run',
      'agents:support:read',
      'Agents:run',
      'agents',
      '',
    ]) {
      expect(holds(scope, 'agents:run', 'support')).toBe(false)
    }
  })

  it('knows scopes per id for agents, teams and workflows only', () => {
    expect(holds('sessions:*:read', 'sessions:read')).toBe(true)
    expect(holds('sessions:s1:read', 'sessions:read', 's1')).toBe(false)
    expect(holds('agents:support:run', 'agents:run')).toBe(false)
  })

  it('never matches four parts or an empty id, and implies no other action', () => {
    expect(holds('agents:a:b:run', 'agents:run', 'a:b')).toBe(false)
    expect(holds('agents:a:run:x', 'agents:run', 'a')).toBe(false)
    expect(holds('agents:run:x', 'agents:run', 'a')).toBe(false)
    expect(holds('agents::run', 'agents:run', '')).toBe(false)
    expect(holds('agents:write', 'agents:read')).toBe(false)
  })

  it('reads percent-encoded ids, and the old name of config', () => {
    expect(componentScope('agents:run', 'a:b%')).toBe('agents:a%3Ab%25:run')
    expect(holds('agents:a%3Ab%25:run', 'agents:run', 'a:b%')).toBe(true)
    expect(holds('agents:a%3ab:run', 'agents:run', 'a:b')).toBe(true)
    expect(holds('system:read', 'config:read')).toBe(true)
  })

  it('lets an admin do everything', () => {
    expect(holdsScope({ ...callerWith(), admin: true }, 'service_accounts:write')).toBe(true)
  })
})

describe('heldComponents', () => {
  it('is everything for a global scope, else the ids that are named', () => {
    expect(heldComponents(callerWith('agents:read'), ['agents:read'])).toBe('all')
    expect(heldComponents(callerWith('agents:a:read', 'agents:b:run', 'teams:c:read'), ['agents:read'])).toEqual(
      new Set(['a']),
    )
    expect(heldComponents(callerWith('agents:a:read', 'agents:b:run'), ['agents:read', 'agents:run'])).toEqual(
      new Set(['a', 'b']),
    )
    expect(heldComponents(callerWith('agents:run'), ['agents:read'])).toEqual(new Set())
  })
})
