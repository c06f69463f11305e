/**
 * `npm run test:attack`: the example server in a process of its own, under what a hostile client may do to it, on
 * loopback only. All through it answers `/health`.
 */
import { ExampleServer } from '../support/example-server.ts'
import * as attacks from './attacks.ts'

await using server = await ExampleServer.start()
const all: Record<string, () => Promise<attacks.Report>> = {
  'idle sockets': () => attacks.idleSockets(server, 5_000),
  // The example gives headers ten seconds, and looks every two.
  'slow headers': () => attacks.slowHeaders(server, 500, 14_000),
  'slow bodies': () => attacks.slowBodies(server, 500),
  'a body of 100 MiB': () => attacks.largeBody(server, 100),
  'a form of 1,000 parts, and of 200,000': () => attacks.manyParts(server, 1_000, 200_000),
  oversized: () => attacks.oversized(server),
}
for (const [name, attack] of Object.entries(all)) {
  const startedAt = Date.now()
  const report = await attack()
  console.log(name, { ...report, ms: Date.now() - startedAt })
  if (name === 'slow headers' && report.cut !== report.sockets) throw new Error('Slow headers were not all cut.')
}
await attacks.expectHealth(server)
console.log(
  `${Object.keys(all).length} attacks; /health answered through all of them. Memory: ${await server.memory()} MiB.`,
)
