import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Answers, FollowedEvent } from './node-process.js'

/** Another server process on the same database. It runs the built package: `npm run build:js` makes it. */
export interface OtherNode {
  ask<Name extends keyof Answers>(
    what: Name,
    value?: Parameters<Answers[Name]>[0],
  ): Promise<Awaited<ReturnType<Answers[Name]>>>
  /** What the runs have shown that it follows. */
  events: FollowedEvent[]
  /** Waits until it has told this much. */
  until(condition: (events: readonly FollowedEvent[]) => boolean): Promise<void>
}

/** Starts one, which ends with the test. */
export async function startNode(database: string, settings: object = {}): Promise<OtherNode> {
  const file = fileURLToPath(new URL('node-process.ts', import.meta.url))
  const child = fork(file, [database, JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const events: FollowedEvent[] = []
  let wakes: (() => void)[] = []
  const waiting = new Map<string, ((value: unknown) => void)[]>()
  child.on('message', ({ what, value }: { what: string; value: unknown }) => {
    if (what === 'event') events.push(value as FollowedEvent)
    for (const wake of wakes.splice(0)) wake()
    waiting.get(what)?.shift()?.(value)
  })
  const gone = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`The other process has ended with ${code}.`)))
  })
  gone.catch(() => undefined)
  const told = (what: string): Promise<unknown> =>
    Promise.race([gone, new Promise((resolve) => waiting.set(what, [...(waiting.get(what) ?? []), resolve]))])
  await told('ready')
  return {
    events,
    async ask(what, value) {
      const answer = told(what)
      child.send({ what, value })
      return (await answer) as never
    },
    async until(condition) {
      while (!condition(events))
        await Promise.race([gone, new Promise<void>((resolve) => (wakes = [...wakes, resolve]))])
    },
  }
}
