import { afterAll, beforeAll, expect, it } from 'vitest'
import { ExampleServer } from '../support/example-server.js'
import * as attacks from './attacks.js'

let server: ExampleServer
beforeAll(async () => {
  server = await ExampleServer.start()
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** The short form of `npm run test:attack`. An attack throws when `/health` does not answer, or too much is taken. */
const all: Record<string, () => Promise<attacks.Report>> = {
  'thousands of idle sockets': () => attacks.idleSockets(server, 2_000),
  'headers that never end': () => attacks.slowHeaders(server, 200, 500),
  'bodies that come a byte at a time': () => attacks.slowBodies(server, 200),
  'a body of 100 MiB': () => attacks.largeBody(server, 100),
  'forms of very many parts': () => attacks.manyParts(server, 1_000, 20_000),
  'headers, URLs and JSON beyond all measure': () => attacks.oversized(server),
}

it.each(Object.entries(all))('the example server goes on answering through %s', async (_name, attack) => {
  expect(Object.keys(await attack())).not.toEqual([])
})
