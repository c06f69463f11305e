import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const entries = ['', '/models', '/storage', '/client', '/express', '/fastify', '/next', '/hono', '/node', '/testing']
const rounds = 11

/** How long each entry point takes to load, over the start of a Node that loads nothing. */
export async function importTimes(): Promise<{ entry: string; milliseconds: number }[]> {
  const bare = time('')
  return entries.map((entry) => ({
    entry: `agentos-sdk${entry}`,
    milliseconds: time(`import 'agentos-sdk${entry}'`) - bare,
  }))
}

function time(code: string): number {
  return median(
    Array.from({ length: rounds }, () => {
      const before = performance.now()
      execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: root })
      return performance.now() - before
    }),
  )
}
