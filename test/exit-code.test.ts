import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

describe('a run of the tests', () => {
  it.each([
    { assertion: 'expect(1).toBe(2)', code: 1, line: 'tests: 0 passed, 1 failed\n' },
    { assertion: 'expect(1).toBe(1)', code: 0, line: 'tests: 1 passed, 0 failed\n' },
  ])('ends with exit code $code after $assertion', { timeout: 60_000 }, async ({ assertion, code, line }) => {
    // Inside of the tests' folder, because that is where tests are looked for.
    const folder = await mkdtemp(join(root, 'test', 'exit-code-'))
    try {
      const file = join(folder, 'one.test.ts')
      await writeFile(file, `import { expect, it } from 'vitest'\nit('is', () => ${assertion})\n`)
      const { AGENTOS_TEST_DATABASE_URL: _, ...env } = process.env
      const run = spawn(process.execPath, [vitest, 'run', file], {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const ended = new Promise((resolve) => run.once('close', resolve))
      const printed = await text(run.stdout)
      expect(await ended).toBe(code)
      expect(printed.endsWith(line)).toBe(true)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
