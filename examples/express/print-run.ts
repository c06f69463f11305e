/** Sends a run, streamed, and prints its events as they come. */
export async function printRun(url: string, body: object): Promise<void> {
  const json = JSON.stringify({ ...body, stream: true })
  console.log(`POST ${url}\n${json}\n`)
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: json })
  if (!response.ok || response.body === null) {
    console.log(`${response.status} ${await response.text()}\n`)
    return
  }
  let isInText = false
  for await (const event of events(response.body)) {
    if (event.event === 'RunContent') {
      if (typeof event.content !== 'string') continue
      if (!isInText) process.stdout.write(`  ${'RunContent'.padEnd(23)}`)
      process.stdout.write(event.content)
      isInText = true
      continue
    }
    if (isInText) process.stdout.write('\n')
    isInText = false
    console.log(`  ${event.event.padEnd(22)} ${describe(event)}`.trimEnd())
  }
  console.log()
}

/** What is looked at here of an event; docs/runs.md names the rest. */
interface StreamedEvent {
  error?: string
  event: string
  content?: unknown
  run_id: string
  session_id: string
  tool?: { tool_name: string; tool_args: object; result?: string }
  metrics?: { total_tokens?: number }
  total_tokens?: number
}

function describe({ event, run_id, session_id, content, tool, metrics, total_tokens, error }: StreamedEvent): string {
  switch (event) {
    case 'RunStarted':
      return `${run_id} in ${session_id}`
    case 'ToolCallStarted':
      return `${tool?.tool_name} ${JSON.stringify(tool?.tool_args)}`
    case 'ToolCallCompleted':
      return `${tool?.tool_name} gave ${tool?.result}`
    case 'ModelRequestCompleted':
      return `${total_tokens ?? 0} tokens`
    case 'RunCompleted':
      return `${metrics?.total_tokens ?? 0} tokens in all`
    case 'RunError':
      return String(content)
    case 'error':
      return error ?? ''
    default:
      return ''
  }
}

/** Server-sent events, as far as this API uses them: frames between blank lines, with one line of JSON data each. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder()
  let received = ''
  for await (const chunk of body) {
    received += decoder.decode(chunk, { stream: true })
    const frames = received.split('\n\n')
    received = frames.pop() ?? ''
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (data !== undefined) yield JSON.parse(data) as StreamedEvent
    }
  }
}
