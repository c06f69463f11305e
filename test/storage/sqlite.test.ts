import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { storageConformance } from 'agentos-sdk/testing'

const folder = mkdtempSync(join(tmpdir(), 'agentos-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
let path = ''
describe('sqlite() on a file', () => {
  storageConformance({
    describe,
    it,
    open: () => sqlite((path = join(folder, `${files++}.db`))),
    openOther: () => sqlite(path),
  })
})

describe('sqlite(:memory:)', () => {
  storageConformance({ describe, it, open: () => sqlite(':memory:') })
})
