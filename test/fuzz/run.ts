/**
 * `npm run test:fuzz`: schemathesis against the example server, by its own `/openapi.json`: no 5xx, no status, content
 * type, header or body that is not declared, and no request that violates the description and is taken.
 *
 * `FUZZ_EXAMPLES` (50) cases per operation and phase, `FUZZ_SEED` (1). It needs Python 3.10 or later, and installs
 * schemathesis into a folder of its own among the temporary files.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ExampleServer } from '../support/example-server.ts'

const VERSION = '4.32.5'
const folder = join(tmpdir(), 'agentos-sdk-fuzz', `schemathesis-${VERSION}`)
const command = join(folder, 'bin', 'schemathesis')

/**
 * Not asked: whether what fits the schemas is accepted, since ids have to exist and cursors have to be ours; and
 * whether a token is needed, which a server without authentication does not.
 */
const excluded = 'positive_data_acceptance,ignored_auth'

/** Who may migrate can take the schema away; all else then says 503 `NOT_READY`, as it should. */
const untouched = ['migrate_database', 'migrate_all_databases']

function install(): void {
  if (existsSync(command)) return
  const python = ['python3', 'python'].find((name) => {
    const { stdout } = spawnSync(name, ['-c', 'import sys; print(sys.version_info >= (3, 10))'], { encoding: 'utf8' })
    return stdout?.trim() === 'True'
  })
  if (python === undefined) throw new Error('schemathesis needs Python 3.10 or later: install python3 and try again.')
  console.log(`Installing schemathesis ${VERSION} into ${folder}`)
  succeed(python, ['-m', 'venv', folder])
  succeed(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`])
}

function succeed(program: string, parameters: string[]): void {
  const { status, error } = spawnSync(program, parameters, { stdio: 'inherit' })
  if (status !== 0) {
    const why = error?.message ?? `it ended with ${status}`
    throw new Error(`"${program} ${parameters.join(' ')}" failed: ${why}. It needs the network, and Python's venv.`)
  }
}

async function fuzz(url: string): Promise<number> {
  const child = spawn(
    command,
    [
      ['run', `${url}/openapi.json`],
      ['--phases', 'examples,coverage,fuzzing,stateful'],
      ['--exclude-checks', excluded],
      ...untouched.map((operation) => ['--exclude-operation-id', operation]),
      ['--max-examples', process.env.FUZZ_EXAMPLES ?? '50'],
      ['--seed', process.env.FUZZ_SEED ?? '1'],
      ['--request-timeout', '20'],
      ['--warnings', 'off'],
    ].flat(),
    {
      cwd: folder,
      stdio: 'inherit',
      env: { ...process.env, SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: fileURLToPath(new URL('.', import.meta.url)) },
    },
  )
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

try {
  install()
  await using server = await ExampleServer.start()
  const code = await fuzz(server.url)
  const { status } = await fetch(`${server.url}/health`)
  console.log(`/health afterwards: ${status}`)
  process.exitCode = status === 200 ? code : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
