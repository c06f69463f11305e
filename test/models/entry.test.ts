import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'tsup'
import { expect, it } from 'vitest'

it('loads neither openai nor the AI SDK until they are needed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentos-models-'))
  try {
    await build({
      entry: { models: join(import.meta.dirname, '../../src/models/index.ts') },
      outDir: folder,
      format: 'esm',
      outExtension: () => ({ js: '.mjs' }),
      skipNodeModulesBundle: true,
      config: false,
      silent: true,
    })
    // The bundle lies where no package can be found: loading one would fail.
    const program = `const m = await import(${JSON.stringify(pathToFileURL(join(folder, 'models.mjs')).href)})
      m.openai('gpt-5-mini')
      console.log(Object.keys(m).sort().join())`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      cwd: folder,
    })
    expect(output.trim()).toBe('ModelError,aiSdk,defaultRetryPolicy,openai,retryDelay,scripted')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
