import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Manifest {
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

/** What a program said, and how it ended. */
export interface Outcome {
  code: number
  output: string
}

/** The package as npm would publish it, installed into an empty project. */
export interface PackedPackage extends AsyncDisposable {
  tarball: string
  /** The paths in the tarball. */
  files: string[]
  manifest: Manifest
  /** A directory whose `node_modules` holds the unpacked tarball, its dependencies and its peers. */
  project: string
}

/** Packs the build. The dependencies are those of this repository, so nothing is downloaded. */
export async function packPackage(): Promise<PackedPackage> {
  await access(join(root, 'dist/types')).catch((cause: unknown) => {
    throw new Error('There is no build to pack: run `npm run build` first.', { cause })
  })
  const project = await mkdtemp(join(tmpdir(), 'agentos-packed-'))
  const packed = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--silent', '--pack-destination', project],
    root,
  )
  const [{ filename, files }] = JSON.parse(packed.output) as [{ filename: string; files: { path: string }[] }]
  const tarball = join(project, filename)

  const installed = join(project, 'node_modules/agentos-sdk')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], project)
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest
  const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  for (const name of [...packages, '@types/node', '@types/express', 'react', '@types/react']) {
    await mkdir(dirname(join(project, 'node_modules', name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name))
  }
  return {
    tarball,
    files: files.map(({ path }) => path),
    manifest,
    project,
    [Symbol.asyncDispose]: () => rm(project, { recursive: true }),
  }
}

/** Runs a program to its end. A program of a dev dependency is named as in the npm scripts. */
export async function run(program: string, parameters: readonly string[], cwd: string): Promise<Outcome> {
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  try {
    const options = { cwd, maxBuffer: 1e8, env: { ...process.env, PATH: path, NODE_OPTIONS: '', FORCE_COLOR: '0' } }
    const { stdout, stderr } = await promisify(execFile)(program, parameters, options)
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    // Anything but an exit code means that the program did not run at all.
    if (typeof code !== 'number') throw error
    return { code, output: `${stdout}${stderr}` }
  }
}
