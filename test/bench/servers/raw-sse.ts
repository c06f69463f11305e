/** The raw limit of streaming: a bare handler that writes the same number of events of the same size. */
import { answer, listen } from './serve.ts'

const event = (index: number): string =>
  `event: RunContent\nid: ${index}\ndata: ${JSON.stringify({
    event: 'RunContent',
    content: 'x'.repeat(16),
    created_at: 1757348314,
    agent_id: 'stream',
    agent_name: 'stream',
    run_id: 'run_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
    session_id: 'ses_0199f3a2-7c31-7d5e-8b1f-2f4c6a8e0b13',
    nested_depth: 0,
    event_index: index,
  })}\n\n`

answer({})
await listen((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let index = 0
  // One write per event and turn of the event loop, as events come from a model.
  const next = (): void => {
    if (index === 205) response.end()
    else response.write(event(index++), next)
  }
  next()
})
