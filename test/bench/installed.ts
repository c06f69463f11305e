import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What `npm install --omit=dev` of the packed package brings into an empty project. */
export async function installedSize(): Promise<{ megabytes: number; packages: number }> {
  const project = await mkdtemp(join(tmpdir(), 'agentos-installed-'))
  try {
    const npm = (...parameters: string[]): string => execFileSync('npm', parameters, { cwd: project, encoding: 'utf8' })
    const packed = npm('pack', root, '--json', '--ignore-scripts', '--silent')
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true }))
    npm('install', '--omit=dev', '--no-audit', '--no-fund', '--silent', `./${filename}`)
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as { packages: object }
    const bytes = await sizeOf(join(project, 'node_modules'))
    return { megabytes: bytes / 1e6, packages: Object.keys(lock.packages).length - 1 }
  } finally {
    await rm(project, { recursive: true, force: true })
  }
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  let bytes = 0
  for (const name of names) {
    const facts = await stat(join(directory, name)).catch(() => undefined)
    if (facts?.isFile()) bytes += facts.size
  }
  return bytes
}
