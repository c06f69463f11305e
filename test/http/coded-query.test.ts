import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseWire } from '../../src/http/parse-wire.js'
import { runStatuses, sortKey } from '../../src/http/coded-query.js'

const query = z.object({
  status: runStatuses().optional(),
  sortBy: sortKey(['created_at', 'session_name']).default('created_at'),
})

describe('coded parameters', () => {
  it('take known names in any case, states as a list too', () => {
    expect(parseWire(query, {})).toEqual({ sortBy: 'created_at' })
    expect(parseWire(query, { status: 'RUNNING, paused', sort_by: 'Session_Name' })).toEqual({
      status: ['running', 'paused'],
      sortBy: 'session_name',
    })
    expect(parseWire(query, { status: ['error', 'cancelled'] }).status).toEqual(['error', 'cancelled'])
  })

  it('have a code of their own for any other name', () => {
    const thrown = (code: string, path: string) =>
      expect.objectContaining({ code, issues: [expect.objectContaining({ path })] })
    expect(() => parseWire(query, { status: 'running,done' })).toThrow(thrown('INVALID_STATUS', 'status'))
    expect(() => parseWire(query, { sort_by: 'name' })).toThrow(thrown('INVALID_SORT', 'sort_by'))
    expect(() => parseWire(query, { sort_by: ['created_at', 'x'] })).toThrow(thrown('INVALID_SORT', 'sort_by'))
  })
})
