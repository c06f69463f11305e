import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../src/core/cursor.js'
import { pageQuery, pageWindow, sliceHeaders } from '../../src/http/pagination.js'
import { parseWire } from '../../src/http/parse-wire.js'
import {
  commaList,
  commaStrings,
  queryBoolean,
  queryEnum,
  queryInt,
  queryTime,
  repeated,
} from '../../src/http/query.js'
import { queryRecord, requestTarget } from '../../src/http/request-target.js'

const read = <Schema extends z.ZodType>(schema: Schema, search: string) => parseWire(schema, queryRecord(search, 1000))

describe('query parameters', () => {
  it('come as numbers, booleans, times, lists and enumerations', () => {
    const Query = z.object({
      limit: queryInt(1, 100, 20),
      version: queryInt(1, 9).optional(),
      streamEvents: queryBoolean(true),
      createdAfter: queryTime().optional(),
      include: commaList(['events', 'messages']).optional(),
      sessionIds: repeated(z.string()).optional(),
      names: commaStrings().optional(),
      status: queryEnum(['paused', 'done']).optional(),
    })
    expect(read(Query, '')).toEqual({ limit: 20, streamEvents: true })
    expect(
      read(Query, 'limit=&version=3&stream_events=No&created_after=1757348314&include=Events,messages&status=PAUSED'),
    ).toEqual({
      limit: 20,
      version: 3,
      streamEvents: false,
      createdAfter: '2025-09-08T16:18:34.000Z',
      include: ['events', 'messages'],
      status: 'paused',
    })
    expect(read(Query, 'session_ids=a,1&session_ids=b&names=x,%20y&names=z&unknown=1')).toMatchObject({
      sessionIds: ['a,1', 'b'],
      names: ['x', 'y', 'z'],
    })
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=ten',
    'limit=1.5',
    'limit=1&limit=2',
    'limit=1e1',
    'limit=0x10',
    'limit=%00',
  ])('refuses %s', (search) => {
    expect(() => read(z.object({ limit: queryInt(1, 100, 20) }), search)).toThrow('limit')
  })

  it('refuses unknown parameters where the schema is strict', () => {
    expect(() => read(z.strictObject({ limit: queryInt(1, 100, 20) }), 'limt=5')).toThrow('Unknown field "limt"')
  })

  it.each([
    ['2026-04-24T20:15:00Z', '2026-04-24T20:15:00.000Z'],
    ['2026-04-24T20:15:00.123456', '2026-04-24T20:15:00.123Z'],
    ['2026-04-24 20:15', '2026-04-24T20:15:00.000Z'],
    ['2026-04-24T20:15:00 02:00', '2026-04-24T18:15:00.000Z'],
    ['2026-04-24T20:15:00+0200', '2026-04-24T18:15:00.000Z'],
    ['2026-04-24', '2026-04-24T00:00:00.000Z'],
    ['0', '1970-01-01T00:00:00.000Z'],
    [1757348314.5, '2025-09-08T16:18:34.500Z'],
  ])('read the time %s in UTC', (given, expected) => {
    expect(queryTime().parse(given)).toBe(expected)
  })

  it.each(['yesterday', '2026-13-01', '99999999999999', true, null])('refuses the time %s', (given) => {
    expect(queryTime().safeParse(given).success).toBe(false)
  })
})

describe('pages', () => {
  it('number up to row 10,000 and point at the cursor beyond', () => {
    const { page, limit } = read(z.object(pageQuery()), 'page=3')
    expect(pageWindow({ page, limit })).toEqual({ offset: 40, limit: 20 })
    expect(pageWindow({ page: 10, limit: 1000 })).toEqual({ offset: 9000, limit: 1000 })
    expect(() => pageWindow({ page: 11, limit: 1000 })).toThrow('cursor')
    expect(() => read(z.object(pageQuery()), 'page=0')).toThrow('page')
    expect(() => read(z.object(pageQuery()), 'limit=1001')).toThrow('limit')
  })

  it('take back the cursors that they gave out, and no others', () => {
    const Place = z.object({ at: z.string(), id: z.string() })
    const cursor = encodeCursor({ at: 'é', id: 'x' })
    expect(decodeCursor(cursor, Place)).toEqual({ at: 'é', id: 'x' })
    for (const bad of ['', '%', 'abc', encodeCursor({ at: 1 }), cursor.slice(0, -3), `${cursor}=`]) {
      expect(() => decodeCursor(bad, Place)).toThrow('not a cursor')
    }
    expect(sliceHeaders({ totalCount: 3, nextCursor: 'c' })).toEqual({ 'X-Total-Count': '3', 'X-Next-Cursor': 'c' })
  })
})

describe('requestTarget', () => {
  it('takes off the host, the mount and one trailing slash', () => {
    expect(requestTarget('http://h:1/os/agents/?a=1#x', '/os')).toEqual({ path: '/agents', search: 'a=1' })
    expect(requestTarget('http://h/os', '/os')).toEqual({ path: '/', search: '' })
    expect(requestTarget('http://h/', '')).toEqual({ path: '/', search: '' })
    expect(requestTarget('http://h/osx/y', '/os')).toEqual({ path: '/osx/y', search: '' })
  })
})
