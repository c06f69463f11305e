import { NotFoundError } from 'agentos-sdk'
import type { RunStream } from 'agentos-sdk'
import { agentOS } from '../../../agent-os.ts'

/**
 * Follows a run that was started through another route, as lines of text: its events so far, then live. A route file of
 * one's own can use whatever `agentOS` offers.
 */
export async function GET(request: Request, { params }: { params: Promise<{ runId: string }> }): Promise<Response> {
  const { runId } = await params
  let stream: RunStream
  try {
    stream = await agentOS.runs.resume(runId, { signal: request.signal })
  } catch (error) {
    if (error instanceof NotFoundError) return new Response(error.message, { status: 404 })
    throw error
  }
  const events = stream[Symbol.asyncIterator]()
  const lines = new ReadableStream<string>({
    async pull(controller) {
      const { done, value } = await events.next()
      if (done) controller.close()
      else controller.enqueue(`${value.eventIndex} ${value.event}\n`)
    },
  }).pipeThrough(new TextEncoderStream())
  return new Response(lines, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
