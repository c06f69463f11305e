import autocannon from 'autocannon'
import type { BenchServer } from './child.ts'

/**
 * Requests per second of a server, with ten connections.
 *
 * @param tokens sent one after the other, over and over.
 */
export async function requestsPerSecond(
  server: BenchServer,
  path: string,
  body: object,
  {
    seconds = 6,
    tokens = [],
    method = 'POST',
  }: { seconds?: number; tokens?: readonly string[]; method?: 'GET' | 'POST' } = {},
): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const load = (duration: number): Promise<autocannon.Result> =>
    autocannon({
      url: server.url + path,
      method,
      headers,
      ...(method === 'POST' && { body: JSON.stringify(body) }),
      ...(tokens.length > 0 && {
        requests: tokens.map((token) => ({ headers: { ...headers, authorization: `Bearer ${token}` } })),
      }),
      connections: 10,
      duration,
      workers: 1,
    })
  await load(2)
  const result = await load(seconds)
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${path}: ${result.non2xx} refusals, ${result.errors} errors.`)
  return result.requests.total / result.duration
}

/** Server-sent events per second, read by ten clients at once, to the end of each stream. */
export async function eventsPerSecond(server: BenchServer, path: string, body: object, seconds = 5): Promise<number> {
  const measure = async (duration: number): Promise<number> => {
    const until = performance.now() + duration * 1000
    const counts = await Promise.all(
      Array.from({ length: 10 }, async () => {
        let events = 0
        while (performance.now() < until) events += await countEvents(server.url + path, body)
        return events
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }
  await measure(1)
  const before = performance.now()
  const events = await measure(seconds)
  return events / ((performance.now() - before) / 1000)
}

async function countEvents(url: string, body: object): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return text.split('\n\n').length - 1
}
