import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlite } from 'agentos-sdk/storage'
import { fullCaller } from '../../src/core/caller.js'
import { unit } from '../../src/testing/storage-cases/case.js'
import { buildStorage, type BuiltStorage } from './support/child-process.js'

const folder = mkdtempSync(join(tmpdir(), 'agentos-processes-'))
let built: BuiltStorage
beforeAll(async () => {
  built = await buildStorage()
})
afterAll(() => {
  built[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

describe('sqlite() with several processes', () => {
  it('keeps what was answered when the process is killed right after', async () => {
    const trials = 8
    const path = join(folder, 'killed.db')
    for (let trial = 0; trial < trials; trial++) {
      const program = built.start(`
        const storage = sqlite(${JSON.stringify(path)})
        await storage.runs.accept(fullCaller, unit('run_${trial}', 'ses_${trial}'))
        console.log('accepted')
        setInterval(() => undefined, 1000)`)
      expect(await program.line()).toBe('accepted')
      program.process.kill('SIGKILL')
      expect(await program.end()).toBe(null)
    }
    const storage = sqlite(path)
    for (let trial = 0; trial < trials; trial++) {
      expect((await storage.runs.get(fullCaller, `run_${trial}`))?.head.status).toBe('running')
      expect(await storage.runs.segments(`run_${trial}`, 0, 10)).toHaveLength(1)
    }
    await storage.close()
  })

  it('lets two processes write one file, and one see what the other has written', async () => {
    const path = join(folder, 'two.db')
    const storage = sqlite(path)
    await storage.check()
    const program = built.start(`
      const storage = sqlite(${JSON.stringify(path)})
      for (let at = 0; at < 200; at++) await storage.runs.accept(fullCaller, unit('run_child_' + at, 'ses_child_' + at))
      console.log('done')
      await storage.close()`)
    for (let at = 0; at < 200; at++) {
      await storage.runs.accept(fullCaller, unit({ run: { runId: `run_${at}`, sessionId: `ses_${at}` } }))
    }
    expect(await program.line()).toBe('done')
    expect((await storage.runs.list(fullCaller, { limit: 1 })).totalCount).toBe(400)
    expect((await storage.runs.get(fullCaller, 'run_child_199'))?.head.sessionId).toBe('ses_child_199')
    expect(await program.end()).toBe(0)
    await storage.close()
  })

  it('loads the driver with the first use, and names the package that is missing', async () => {
    using bare = await buildStorage({ packages: ['eventemitter3'] })
    const program = bare.start(`
      const storage = sqlite(${JSON.stringify(join(folder, 'never.db'))})
      storage.runs.active('ses_1').catch(({ name, code, message }) => console.log(name, code, message))`)
    expect(await program.line()).toMatch(
      /^MissingPackageError MISSING_PACKAGE sqlite\(\) needs the package "(\S+)"\. Install it: npm install \1$/,
    )
    expect(await program.end()).toBe(0)
  })
})
