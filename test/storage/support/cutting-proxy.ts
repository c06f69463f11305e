import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

/** A way to a server that cuts connections at the worst moment. */
export interface CuttingProxy extends AsyncDisposable {
  /** The URL with the proxy's port in it. */
  through(url: string): string
  /**
   * Cuts the next connection that sends this text, so many times: the server gets it and answers, and the answer is
   * lost.
   */
  loseAnswerTo(text: string, times?: number): void
  /** Cuts every connection; new ones are let through. */
  cut(): void
  /** Cuts every connection, and refuses new ones until `open()`. */
  shut(): void
  open(): void
  /** How many answers have been lost. */
  readonly lost: number
}

export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  let trap: { text: string; times: number } | undefined
  let lost = 0
  let isShut = false
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (isShut) return void client.destroy()
    const upstream = connect({ host: hostname, port: Number(port) })
    let isLosing = false
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', (sent) => {
      if (trap && trap.times > 0 && sent.includes(trap.text)) {
        trap.times--
        isLosing = true
      }
      upstream.write(sent)
    })
    upstream.on('data', (answer) => {
      if (!isLosing) return void client.write(answer)
      lost++
      end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxied = String((server.address() as AddressInfo).port)
  return {
    through(url) {
      const other = new URL(url)
      other.hostname = '127.0.0.1'
      other.port = proxied
      return other.href
    },
    loseAnswerTo(text, times = 1) {
      trap = { text, times }
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    shut() {
      isShut = true
      for (const socket of sockets) socket.destroy()
    },
    open() {
      isShut = false
    },
    get lost() {
      return lost
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
