import { afterAll, beforeAll, describe, it } from 'vitest'
import { postgres } from 'agentos-sdk/storage'
import { storageConformance } from 'agentos-sdk/testing'
import { createDatabase, serverName, type TestDatabase } from '../support/postgres-database.js'

const server = await serverName()
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

describe(`postgres() on ${server}`, () => {
  storageConformance({
    describe,
    it,
    open: async () => {
      const storage = postgres(database.url('one'))
      await storage.check()
      await database.clear()
      return storage
    },
    openOther: () => postgres(database.url('other')),
  })
})
