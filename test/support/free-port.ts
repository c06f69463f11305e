import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port that a server can be started on, again and again. It is below those that systems give to clients, so that no
 * connection takes it while the server is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const probe = createServer().listen(port)
    try {
      await once(probe, 'listening')
    } catch {
      continue
    }
    probe.close()
    await once(probe, 'close')
    return port
  }
}
