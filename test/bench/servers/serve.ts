import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where this server may write. */
export const directory = process.argv[2]!

/** Answers the parent's questions, by their name. */
export function answer(questions: Record<string, () => unknown>): void {
  process.on('message', (question: string) => {
    void Promise.resolve(questions[question]!()).then((value) => process.send!(value))
  })
}

export async function listen(listener: RequestListener): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send!({ port: (server.address() as AddressInfo).port })
}

/** Bytes of the heap that are in use, after everything that can be freed was. */
export function heapUsed(): number {
  for (let round = 0; round < 3; round++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}
