import { afterAll, beforeAll, describe, it } from 'vitest'
import { ExampleServer } from '../support/example-server.js'
import * as attacks from './attacks.js'

let server: ExampleServer
beforeAll(async () => {
  server = await ExampleServer.start()
})
afterAll(() => server?.[Symbol.asyncDispose]())

/** The short form of `npm run test:attack`. Each attack throws when `/health` does not answer, or too much is taken. */
describe('the example server goes on answering', () => {
  it('through thousands of idle sockets', () => attacks.idleSockets(server, 2_000))
  it('through headers that never end', () => attacks.slowHeaders(server, 200, 500))
  it('through bodies that come a byte at a time', () => attacks.slowBodies(server, 200))
  it('through a body of 100 MiB', () => attacks.largeBody(server, 100))
  it('through forms of very many parts', () => attacks.manyParts(server, 1_000, 20_000))
  it('through headers, URLs and JSON beyond all measure', () => attacks.oversized(server))
})
