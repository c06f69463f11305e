import { onTestFinished } from 'vitest'
import { Agent, AgentOS } from 'agentos-sdk'
import type { AgentOSOptions, RunEvent } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { Model } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'

/** An AgentOS on a database in memory with one agent `my-agent`, stopped when the test ends. */
export function testAgentOS(model: Model = scripted('Hello!'), options: Partial<AgentOSOptions> = {}): AgentOS {
  const agentOS = new AgentOS({
    agents: [new Agent({ id: 'my-agent', model })],
    storage: sqlite(':memory:'),
    logger: silentLogger,
    ...options,
  })
  onTestFinished(() => agentOS.stop())
  return agentOS
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

export function names(events: readonly RunEvent[]): string[] {
  return events.map(({ event }) => event)
}

/** The text that a reader of these events has in front of it. */
export function shownText(events: readonly RunEvent[]): string {
  let shown: { index: number; text: string }[] = []
  for (const event of events) {
    if (event.event === 'RunRecovered') shown = shown.filter(({ index }) => index <= event.discardAfter)
    if (event.event === 'RunContent' && typeof event.content === 'string') {
      shown.push({ index: event.eventIndex, text: event.content })
    }
  }
  return shown.map(({ text }) => text).join('')
}

/** A promise that the test settles itself. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** Waits until a condition holds; the test's timeout is the bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
