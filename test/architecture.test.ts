import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importCycles } from './support/import-cycles.js'
import { sourceFiles, type SourceFile, type SourceImport } from './support/source-imports.js'

/** The layers of docs/architecture.md. A file belongs to the first one that its path starts with. */
const layers = [
  { name: 'adapters', paths: ['adapters/'] },
  { name: 'composition', paths: ['src/agent-os', 'src/index.ts'] },
  { name: 'testing', paths: ['src/testing/'] },
  { name: 'client', paths: ['src/client/'] },
  { name: 'http', paths: ['src/http/'] },
  { name: 'storage', paths: ['src/storage/'] },
  { name: 'agents', paths: ['src/agents/'] },
  { name: 'models', paths: ['src/models/'] },
  { name: 'core', paths: ['src/core/'] },
  { name: 'features', paths: ['src/'] },
] as const

type Layer = (typeof layers)[number]['name']

/** What a layer may import beside itself. Where a layer stands under `types`, only its types. */
const rules: Record<Layer, { values: readonly Layer[]; types?: readonly Layer[] }> = {
  // An adapter bridges requests: it knows `WebHandler`, and nothing of agents.
  adapters: { values: ['http', 'core'] },
  composition: { values: ['storage', 'http', 'features', 'agents', 'models', 'core'] },
  testing: { values: ['composition', 'storage', 'http', 'features', 'agents', 'models', 'core'] },
  // It runs in browsers too: what it shares with the server are types, and what imports nothing.
  client: { values: ['http'], types: ['features', 'agents', 'models', 'core'] },
  // Handlers get the AgentOS that they serve as a type only.
  http: { values: ['features', 'agents', 'models', 'core'], types: ['composition'] },
  features: { values: ['agents', 'models', 'core'] },
  // Storage implements the ports that features declare; features never import storage.
  storage: { values: ['features', 'core'], types: ['agents', 'models'] },
  agents: { values: ['models', 'core'], types: ['features'] },
  models: { values: ['core'] },
  core: { values: [] },
}

/** The only files outside of it that may know `src/storage`. */
const storageUsers = /^src\/(agent-os\.ts|index\.ts|storage\/|testing\/)/

/** Packages that a layer may name. What is heavy is loaded on use, so only by a dynamic import (or as a type). */
const heavyPackages = /^(openai|better-sqlite3|kysely|@mikro-orm\/.*|ai|@ai-sdk\/.*|@modelcontextprotocol\/.*|pg.*)$/

const root = fileURLToPath(new URL('..', import.meta.url))
const files = sourceFiles(root, ['src', 'adapters'])
const paths = new Set(files.map((file) => file.path))

/** Lists the imports that a rule forbids, one readable line each. */
function violations(isForbidden: (from: SourceFile, target: SourceImport) => boolean): string[] {
  return files.flatMap((from) =>
    from.imports
      .filter((target) => isForbidden(from, target))
      .map((target) => `${from.path} imports ${target.target} (${target.kind})`),
  )
}

function layerOf(path: string): Layer {
  const layer = layers.find(({ paths: prefixes }) => prefixes.some((prefix) => path.startsWith(prefix)))
  if (layer === undefined) throw new Error(`${path} belongs to no layer.`)
  return layer.name
}

const isOurs = (target: string): boolean => target.startsWith('src/') || target.startsWith('adapters/')

describe('architecture', () => {
  it('has sources to judge', () => expect(files.length).toBeGreaterThan(20))

  it('names only files that exist', () => {
    expect(violations((_from, { target }) => isOurs(target) && !paths.has(target))).toEqual([])
  })

  it.each(layers)('$name imports only from below', ({ name }) => {
    const { values, types = [] } = rules[name]
    const broken = violations((from, { kind, target }) => {
      if (layerOf(from.path) !== name || !isOurs(target)) return false
      const allowed = kind === 'type' ? [name, ...values, ...types] : [name, ...values]
      return !allowed.includes(layerOf(target))
    })
    expect(broken).toEqual([])
  })

  it('keeps storage behind its ports', () => {
    const broken = violations((from, { target }) => target.startsWith('src/storage/') && !storageUsers.test(from.path))
    expect(broken).toEqual([])
  })

  it('loads heavy packages on use', () => {
    const isDriver = (path: string): boolean => path.startsWith('src/storage/mikro-orm/')
    const broken = violations(
      (from, { kind, target }) => kind === 'static' && heavyPackages.test(target) && !isDriver(from.path),
    )
    expect(broken).toEqual([])
  })

  it('reaches other servers through the safe fetch only', () => {
    // The client runs elsewhere, a model's own package knows where its server is, and the issuer of tokens is named by
    // the host, which may have it inside of its network.
    const isFree = (path: string): boolean =>
      /^src\/(client|models)\/|^src\/core\/pinned-request\.ts$|^src\/auth\/remote-keys\.ts$/.test(path)
    const network = /^(node:)?(https?|http2|tls|dgram|undici)$/
    const imported = violations(
      (from, { kind, target }) =>
        from.path.startsWith('src/') && kind !== 'type' && network.test(target) && !isFree(from.path),
    )
    expect(imported).toEqual([])
    const callsFetch = /(?:await |return |[=(:] ?|=> ?)fetch\(|globalThis\.fetch/
    const fetching = files.filter(({ path }) => {
      if (!path.startsWith('src/') || isFree(path)) return false
      const code = readFileSync(`${root}${path}`, 'utf8').replace(/^\s*(?:\*|\/\/).*$/gm, '')
      return callsFetch.test(code)
    })
    expect(fetching.map(({ path }) => path)).toEqual([])
  })

  it('keeps everything but our own files out of the client', () => {
    const reached = new Set(files.filter(({ path }) => layerOf(path) === 'client').map(({ path }) => path))
    const foreign: string[] = []
    for (const path of reached) {
      for (const { kind, target } of files.find((file) => file.path === path)?.imports ?? []) {
        if (kind === 'type') continue
        if (isOurs(target)) reached.add(target)
        else foreign.push(`${path} imports ${target}`)
      }
    }
    expect(foreign).toEqual([])
  })

  it('has no import cycles', () => {
    const graph = new Map(
      files.map((file) => [
        file.path,
        file.imports.filter(({ kind }) => kind === 'static').map(({ target }) => target),
      ]),
    )
    expect(importCycles(graph)).toEqual([])
  })

  it('has no file over 500 lines that somebody has written', () => {
    const written = files.filter(({ path }) => path !== 'src/client/contract.ts')
    expect(written.filter(({ lines }) => lines > 500).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
  })
})
