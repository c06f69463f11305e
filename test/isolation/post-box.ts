import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Gets webhooks: each principal has a path of its own. */
export interface PostBox {
  host: string
  received: { number: number; text: string }[]
  urlOf(number: number): string
  close(): Promise<void>
}

export async function postBox(): Promise<PostBox> {
  const received: PostBox['received'] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ number: Number(request.url?.slice(1)), text: body })
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    received,
    urlOf: (number) => `http://${host}/${number}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
