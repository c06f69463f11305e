import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packPackage, run, type PackedPackage } from './support/packed-package.js'

const entries = [
  'agentos-sdk',
  'agentos-sdk/models',
  'agentos-sdk/storage',
  'agentos-sdk/client',
  'agentos-sdk/express',
  'agentos-sdk/fastify',
  'agentos-sdk/next',
  'agentos-sdk/hono',
  'agentos-sdk/node',
  'agentos-sdk/testing',
]

/** Slow to load, large, or the host's own: an entry loads none of them before it is used. */
const loadedOnUse =
  /^(openai|better-sqlite3|pg|pg-boss|kysely|@mikro-orm\/.*|ai|@ai-sdk\/.*|@modelcontextprotocol\/.*|express|fastify|next|react|vitest)$/

/** Prints the packages of all modules that a program has loaded, ES modules and CommonJS alike. */
const printLoadedPackages = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const loaded = new Set()
  registerHooks({
    load(url, context, next) {
      loaded.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
      return next(url, context)
    },
  })
  process.on('exit', () => console.log(JSON.stringify([...loaded].filter((name) => name !== undefined))))
`)}`

let packed: PackedPackage
beforeAll(async () => {
  packed = await packPackage()
})
afterAll(async () => {
  await packed?.[Symbol.asyncDispose]()
})

describe('the packed package', () => {
  it('holds the build and the papers, nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect(packed.files.filter((path) => !path.startsWith('dist/')).toSorted()).toEqual(papers)
    const kinds = packed.files.filter((path) => path.startsWith('dist/') && !path.startsWith('dist/docs-assets/'))
    expect(kinds.filter((path) => !/\.(js|d\.ts)$/.test(path))).toEqual([])
    expect(packed.files).toContain('dist/docs-assets/swagger-ui-bundle.js')
    expect(packed.files).toContain('dist/docs-assets/swagger-ui.css')
  })

  it('exports what it says', () => {
    const { './package.json': _manifest, ...exported } = packed.manifest.exports
    expect(Object.keys(exported).map((path) => path.replace('.', 'agentos-sdk'))).toEqual(entries)
    for (const target of Object.values(exported).flatMap((conditions) => Object.values(conditions))) {
      expect(packed.files).toContain(target.replace('./', ''))
    }
  })

  it('satisfies publint', async () => {
    const { code, output } = await run('publint', ['run', packed.tarball, '--strict'], packed.project)
    expect(code, output).toBe(0)
    expect(output).toContain('All good!')
  })

  // CommonJS reaches an ES module by `require` since Node 22.12, which this profile leaves to the test below.
  it('satisfies are-the-types-wrong', async () => {
    const { code, output } = await run('attw', [packed.tarball, '--profile', 'esm-only'], packed.project)
    expect(code, output).toBe(0)
  })

  it.each(entries)('%s loads by import and loads nothing that it does not need', async (entry) => {
    const flags = ['--import', printLoadedPackages, '--input-type=module', '--eval', `import '${entry}'`]
    const { code, output } = await run(process.execPath, flags, packed.project)
    expect(code, output).toBe(0)
    const loaded = JSON.parse(output) as string[]
    expect(loaded).toContain('agentos-sdk')
    expect(loaded.filter((name) => loadedOnUse.test(name))).toEqual([])
  })

  it('loads by require', async () => {
    const script = `
      const { deepStrictEqual } = require('node:assert')
      for (const entry of ${JSON.stringify(entries)}) deepStrictEqual(Object.keys(require(entry)).length > 0, true, entry)
    `
    const { code, output } = await run(process.execPath, ['--input-type=commonjs', '--eval', script], packed.project)
    expect(code, output).toBe(0)
  })

  it.each([
    ['nodenext', 'nodenext', 'index.mts'],
    ['nodenext', 'nodenext', 'index.cts'],
    ['bundler', 'esnext', 'index.ts'],
  ])('has full types under moduleResolution %s (module %s, %s)', async (moduleResolution, module, file) => {
    const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
    const uses = entries.map((_entry, index) => `export type Names${index} = keyof typeof entry${index}`)
    await writeFile(join(packed.project, file), [...imports, ...uses, ''].join('\n'))
    const options = { module, moduleResolution, target: 'es2023', lib: ['es2023', 'dom', 'dom.iterable'], strict: true }
    // Libraries are checked too, so that a broken declaration of ours can't hide.
    const compilerOptions = { ...options, noEmit: true, skipLibCheck: false, types: ['node'], preserveSymlinks: false }
    const config = `tsconfig.${file}.json`
    await writeFile(join(packed.project, config), JSON.stringify({ compilerOptions, files: [file] }))
    const { output } = await run('tsc', ['-p', config], packed.project)
    // What is wrong inside other packages' declarations is not ours to judge.
    const ours = output.split('\n').filter((line) => /^(index\.|node_modules\/agentos-sdk\/|error)/.test(line))
    expect(ours).toEqual([])
  })
})
