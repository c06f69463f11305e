import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** `static` and `dynamic` ones exist at run time; a `type` one is gone after the build. */
export type ImportKind = 'static' | 'dynamic' | 'type'

export interface SourceImport {
  kind: ImportKind
  /** A file of ours by its path from the root of the repository, or the name as written. */
  target: string
}

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  path: string
  lines: number
  imports: SourceImport[]
}

/** Every TypeScript file of these folders, with what it imports. */
export function sourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => posix.join(folder, name)),
    )
    .filter((path) => /\.tsx?$/.test(path))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, lines: text.trimEnd().split('\n').length, imports: importsOf(text, path) }
    })
}

/** Statements stand at the start of a line, as the formatter puts them; examples in comments don't. */
const statement = /^(?:import|export)\s+(type\s)?(?:[\w$\s,*{}]*?\sfrom\s+)?'([^']+)'/gm
const dynamic = /^(?!\s*(?:\*|\/\/)).*?(typeof\s+)?\bimport\(\s*'([^']+)'/gm

function importsOf(text: string, path: string): SourceImport[] {
  const found = (pattern: RegExp, kind: ImportKind): SourceImport[] =>
    Array.from(text.matchAll(pattern), ([, isType, specifier = '']) => ({
      kind: isType === undefined ? kind : 'type',
      target: targetOf(specifier, path),
    }))
  return [...found(statement, 'static'), ...found(dynamic, 'dynamic')]
}

function targetOf(specifier: string, from: string): string {
  if (!specifier.startsWith('.')) return specifier
  return posix.join(posix.dirname(from), specifier).replace(/\.js(x?)$/, '.ts$1')
}
