import { z } from 'zod'
import { RUN_STATUSES } from '../agents/log/run-record.js'
import type { RunStatus } from '../agents/log/run-record.js'
import { ValidationError } from '../core/errors.js'
import { SORT_ORDERS } from '../sessions/session-input.js'
import { commaList, queryEnum } from './query.js'

/** What a list is sorted by; another key is 422 `INVALID_SORT`. */
export function sortKey<const Key extends string>(keys: readonly [Key, ...Key[]]): z.ZodType<Key> {
  return z.preprocess(onlyNames('INVALID_SORT', 'sort_by', keys), queryEnum(keys))
}

/** In which direction; another word is 422 `INVALID_SORT`. */
export function sortOrder(): z.ZodType<'asc' | 'desc'> {
  return z.preprocess(onlyNames('INVALID_SORT', 'sort_order', SORT_ORDERS), queryEnum(SORT_ORDERS))
}

/** States of runs with commas between them, in any case; another name is 422 `INVALID_STATUS`. */
export function runStatuses(): z.ZodType<RunStatus[]> {
  return z.preprocess(onlyNames('INVALID_STATUS', 'status', RUN_STATUSES), commaList(RUN_STATUSES))
}

/** Lets values pass whose names are all known. Where the contract has a code of its own for one that is not. */
function onlyNames(code: string, path: string, known: readonly string[]): (value: unknown) => unknown {
  return (value) => {
    const names = [value].flat().flatMap((text) => (typeof text === 'string' ? text.split(',') : []))
    const odd = names.map((name) => name.trim()).find((name) => name !== '' && !known.includes(name.toLowerCase()))
    if (odd === undefined) return value
    const message = `"${odd.slice(0, 60)}" is none of ${known.join(', ')}`
    throw new ValidationError(code, `The request is not valid. ${path}: ${message}.`, [{ path, message }])
  }
}
