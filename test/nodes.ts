/**
 * Runs the test suite on every supported Node: `npm run test:nodes`. Each one comes from npm's `node` package, into a
 * directory of its own that is removed afterwards. `npm run test:nodes -- 22 24` runs some of them only.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const majors = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24', '26']

interface Result {
  node: string
  exit: number
  closing: string
}

function installNode(major: string, directory: string): string {
  const manifest = { private: true, dependencies: { node: major }, allowScripts: { node: true } }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: directory, stdio: 'inherit' })
  return join(directory, 'node_modules/.bin')
}

async function testOn(major: string): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), `agentos-node-${major}-`))
  try {
    const bin = installNode(major, directory)
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
    const version = execFileSync('node', ['--print', 'process.version'], { env, encoding: 'utf8' }).trim()
    if (!version.startsWith(`v${major}.`)) throw new Error(`Asked npm for Node ${major}, got ${version}.`)
    console.log(`\n== Node ${version}`)
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const suite = spawn('node', [vitest, 'run'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    suite.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      output = (output + chunk.toString()).slice(-10_000)
    })
    const [exit] = (await once(suite, 'close')) as [number | null]
    return { node: version, exit: exit ?? 1, closing: /^tests: (.*)$/m.exec(output)?.[1] ?? 'did not end' }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const results: Result[] = []
for (const major of majors) results.push(await testOn(major))
console.table(results)
if (results.some(({ exit }) => exit !== 0)) process.exitCode = 1
