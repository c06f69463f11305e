import assert from 'node:assert/strict'
import { fullCaller } from '../../core/caller.js'
import type { JsonObject } from '../../core/json.js'
import { accept, ending, segment, session, T0, type Cases } from './case.js'

/** What JSON may hold and a database may not: as it stands in JSON text, and as JavaScript has it. */
const nastyText = String.raw`{"nul":"a\u0000b","lone":"\ud800","low":"\udc00x","10":1,"2":2,"big":12345678901234567890.10,"__proto__":{"a":1},"quote":"it's \"?\" \\ :name $1 %_","emoji":"👩‍👩‍👧"}`
const nastyName = 'a\0b \ud800 \udc00x \\u0000 \\ \' " ? % _ 👩‍👩‍👧 \u2028'
const nastyObject = JSON.parse(nastyText) as JsonObject

export const textCases: Cases = {
  'of runs come back letter by letter': async (storage) => {
    const component = { kind: 'agent', id: 'support', name: nastyName } as const
    const firstSegment = segment(0, 0, 1, `[${nastyText}]`)
    const { runId, seq } = await accept(storage, { run: { request: nastyText, component }, firstSegment })
    await storage.runs.append(
      ending(runId, 'completed', { body: nastyText, segment: segment(1, 1, 1, `[${nastyText}]`) }),
    )
    const stored = (await storage.runs.get(fullCaller, runId))!
    assert.equal(stored.request, nastyText)
    assert.equal(stored.body, nastyText)
    assert.equal(stored.head.component.name, nastyName)
    const [listed] = (await storage.runs.list(fullCaller, { limit: 1 })).data
    assert.equal(listed!.body, nastyText)
    const segments = await storage.runs.segments(runId, 0, 10)
    assert.deepEqual(
      segments.map(({ entries }) => entries),
      [`[${nastyText}]`, `[${nastyText}]`],
    )
    assert.equal((await storage.runs.window('ses_1', seq + 1, 1))!.runs[0]!.body, nastyText)
    assert.equal((await storage.sessions.get(fullCaller, 'ses_1'))?.componentName, nastyName)
  },

  'of sessions come back as they were': async (storage) => {
    const summary = { summary: nastyName, topics: [nastyName] }
    const nasty = session({
      name: nastyName,
      state: nastyObject,
      metadata: nastyObject,
      summary,
      componentName: nastyName,
    })
    await storage.sessions.create(nasty)
    const stored = (await storage.sessions.get(fullCaller, 'ses_1'))!
    assert.equal(JSON.stringify(stored.state), JSON.stringify(nastyObject))
    assert.equal(JSON.stringify(stored.metadata), JSON.stringify(nastyObject))
    assert.deepEqual([stored.name, stored.componentName, stored.summary], [nastyName, nastyName, summary])
    const updated = await storage.sessions.update(fullCaller, 'ses_1', { name: `${nastyName}!` }, { at: T0 + 5 })
    assert.equal(updated?.name, `${nastyName}!`)
    assert.equal((await storage.sessions.get(fullCaller, 'ses_1'))?.name, `${nastyName}!`)
  },

  'of names are found and paged, whatever they hold': async (storage) => {
    for (let at = 0; at < 4; at++) {
      await storage.sessions.create(session({ sessionId: `s${at}`, name: `${nastyName}${at}` }))
    }
    const filter = { sortBy: 'session_name', sortOrder: 'asc', limit: 2, page: 1, name: 'A\0B' } as const
    const first = await storage.sessions.list(fullCaller, filter)
    const second = await storage.sessions.list(fullCaller, { ...filter, cursor: first.meta.nextCursor! })
    assert.deepEqual(
      [...first.data, ...second.data].map(({ name }) => name),
      [0, 1, 2, 3].map((at) => `${nastyName}${at}`),
    )
  },

  'of a run that starts a session become its name and state': async (storage) => {
    await accept(storage, { newSession: { name: nastyName, state: nastyObject } })
    const stored = (await storage.sessions.get(fullCaller, 'ses_1'))!
    assert.equal(stored.name, nastyName)
    assert.equal(JSON.stringify(stored.state), JSON.stringify(nastyObject))
  },

  'may be long': async (storage) => {
    const long = 'x'.repeat(3_000_000)
    const { runId } = await accept(storage, { run: { request: JSON.stringify(long) } })
    await storage.runs.append({ runId, segment: segment(1, 1, 1, JSON.stringify([long])), at: T0 })
    await storage.sessions.update(fullCaller, 'ses_1', { state: { long } }, { at: T0 + 1 })
    assert.equal((await storage.runs.get(fullCaller, runId))!.request.length, long.length + 2)
    assert.equal((await storage.runs.segments(runId, 1, 1))[0]!.entries.length, long.length + 4)
    assert.equal((await storage.sessions.get(fullCaller, 'ses_1'))!.state.long, long)
  },
}
