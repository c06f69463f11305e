import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One effect of a tool, as somebody outside of the process has seen it. */
export interface Effect {
  name: string
  key: string
  runId: string
}

/** What happens outside, for whoever wants to kill the process at that moment. */
export type Moment =
  { kind: 'chunk'; step: number; chunk: number } | { kind: 'request'; step: number } | { kind: 'effect'; name: string }

/** Texts of the three model steps; the run's content is all of them. */
export const texts = [
  'First I look at what is there. ',
  'Now I ask whether I may. ',
  'All of it is done now, and this is the end of the answer.',
]

const calls = [['idem_a', 'once_b'], ['idem_c', 'gate_d'], []]
const CHUNK = 8
const EFFECT_MS = 25
const CHUNK_MS = 3

/** The world outside of the process: a model that speaks Chat Completions, and a recorder of the tools' effects. */
export class Outside implements AsyncDisposable {
  readonly effects: Effect[] = []
  /** Called at each moment; when it returns true, the process was killed and no answer is sent. */
  onMoment: (moment: Moment) => boolean = () => false
  url = ''
  private readonly server = createServer((request, response) => {
    this.answer(request, response).catch(() => response.destroy())
  })

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString()
    const body = JSON.parse(text) as Effect & { messages: { role: string }[]; stream?: boolean }
    if (request.url === '/effect') await this.record(body, response)
    else if (body.stream) await this.complete(body.messages, response)
    else this.completeAtOnce(body.messages, response)
  }

  private async record(effect: Effect, response: ServerResponse): Promise<void> {
    // It has happened, whether or not whoever asked for it lives to hear of it.
    this.effects.push({ name: effect.name, key: effect.key, runId: effect.runId })
    if (this.onMoment({ kind: 'effect', name: effect.name })) return void response.destroy()
    await sleep(EFFECT_MS)
    response.end(`${effect.name} done`)
  }

  private completeAtOnce(messages: readonly { role: string }[], response: ServerResponse): void {
    const step = messages.filter(({ role }) => role === 'assistant').length
    const tools = calls[step]!
    const message = {
      role: 'assistant',
      content: texts[step]!,
      ...(tools.length > 0 && {
        tool_calls: tools.map((name) => ({
          id: `call_${name}`,
          type: 'function',
          function: { name, arguments: '{}' },
        })),
      }),
    }
    const choices = [{ index: 0, message, finish_reason: tools.length > 0 ? 'tool_calls' : 'stop' }]
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'chaos-1', choices }))
  }

  private async complete(messages: readonly { role: string }[], response: ServerResponse): Promise<void> {
    const step = messages.filter(({ role }) => role === 'assistant').length
    if (this.onMoment({ kind: 'request', step })) return void response.destroy()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (delta: object, finish: string | null = null): void => {
      const choices = [{ index: 0, delta, finish_reason: finish }]
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'chaos-1', choices }
      response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    }
    const content = texts[step]!
    for (let at = 0; at < content.length; at += CHUNK) {
      if (this.onMoment({ kind: 'chunk', step, chunk: at / CHUNK })) return void response.destroy()
      send({ content: content.slice(at, at + CHUNK) })
      await sleep(CHUNK_MS)
    }
    const tools = calls[step]!
    tools.forEach((name, index) =>
      send({ tool_calls: [{ index, id: `call_${name}`, type: 'function', function: { name, arguments: '{}' } }] }),
    )
    send({}, tools.length > 0 ? 'tool_calls' : 'stop')
    response.end('data: [DONE]\n\n')
  }
}
