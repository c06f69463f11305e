import { describe, expect, it } from 'vitest'
import { anonymousCaller, fullCaller } from '../../src/core/caller.js'
import type { Caller } from '../../src/core/caller.js'
import { attributedUserId, visibleUserId } from '../../src/core/principal.js'

const caller = (more: Partial<Caller>): Caller => ({ kind: 'user', scopes: [], admin: false, scoped: false, ...more })
const alice = caller({ userId: 'alice' })
const scopedAlice = caller({ userId: 'alice', scoped: true })
const machine = caller({ kind: 'service_account', userId: 'sa:ci', scoped: true })

describe('attributedUserId', () => {
  it('is the user that was named, else the caller', () => {
    expect(attributedUserId(fullCaller, undefined)).toBeUndefined()
    expect(attributedUserId(anonymousCaller, 'bob')).toBe('bob')
    expect(attributedUserId(alice, 'bob')).toBe('bob')
    expect(attributedUserId(alice, undefined)).toBe('alice')
  })

  it('is always the caller where that sees its own rows only', () => {
    expect(attributedUserId(scopedAlice, undefined)).toBe('alice')
    expect(attributedUserId(scopedAlice, 'alice')).toBe('alice')
    expect(attributedUserId(machine, 'sa:ci')).toBe('sa:ci')
  })
})

describe('visibleUserId', () => {
  it('is the user that was named, else everybody', () => {
    expect(visibleUserId(alice, undefined)).toBeUndefined()
    expect(visibleUserId(alice, 'bob')).toBe('bob')
    expect(visibleUserId(scopedAlice, undefined)).toBe('alice')
  })
})

describe.each([attributedUserId, visibleUserId])('%o', (userIdOf) => {
  it('refuses another user where the caller acts for itself only', () => {
    expect(() => userIdOf(scopedAlice, 'bob')).toThrow(expect.objectContaining({ code: 'USER_MISMATCH', status: 403 }))
  })

  it.each(['sa:ci', 'sa:', '__scheduler__', '__oauth__:x'])('refuses "%s" to whoever is not that', (named) => {
    for (const one of [fullCaller, alice, scopedAlice, caller({ userId: 'sa:other' })]) {
      expect(() => userIdOf(one, named)).toThrow(expect.objectContaining({ code: 'RESERVED_PRINCIPAL', status: 403 }))
    }
    expect(userIdOf(caller({ userId: named, scoped: true }), named)).toBe(named)
  })

  it('takes names that only look reserved', () => {
    for (const named of ['sally', 'SA:ci', '__scheduler__2', 'x sa:ci']) expect(userIdOf(alice, named)).toBe(named)
  })
})
