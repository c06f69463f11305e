import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A code block of a document. */
export interface Snippet {
  /** `docs/runs.md:12`, for messages. */
  place: string
  code: string
}

/** The documents that show code: the README and everything in docs/. */
export async function documents(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'))
  return ['README.md', ...docs.toSorted().map((name) => `docs/${name}`)]
}

/** The blocks of a document in this language. One that is marked `no-check` is a fragment, and is left out. */
export async function snippetsOf(document: string, language: string): Promise<Snippet[]> {
  const text = await readFile(join(root, document), 'utf8')
  const snippets: Snippet[] = []
  for (const { index, 1: info = '', 2: code = '' } of text.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm)) {
    const [name, ...marks] = info.split(' ')
    if (name !== language || marks.includes('no-check')) continue
    snippets.push({ place: `${document}:${text.slice(0, index).split('\n').length}`, code })
  }
  return snippets
}

/**
 * What snippets speak of without declaring it: a reader has met it further up. Each is what its name says, so that a
 * snippet that uses it wrongly does not compile.
 */
export const ambient = `
import type { Express } from 'express'
import type { FastifyInstance } from 'fastify'
import type { Hono as HonoApp } from 'hono'
import type { z as zod } from 'zod'
import type * as core from 'agentos-sdk'
import type * as models from 'agentos-sdk/models'
import type * as storages from 'agentos-sdk/storage'

declare global {
  const app: Express
  const fastifyApp: FastifyInstance
  const honoApp: HonoApp
  const agentOS: core.AgentOS
  const support: core.Agent
  const agent: core.Agent
  const run: core.Run
  const lookupOrder: core.Tool
  const promise: Promise<unknown>
  const signal: AbortSignal
  const model: models.Model
  const storage: core.Storage
  const key: string
  const orders: { find(number: number, options: { signal: AbortSignal }): Promise<object> }
  const looksLikeInjection: (content: unknown) => Promise<boolean>
  const toEnglish: (content: unknown) => Promise<string>
  const log: { write(runId: string, content: unknown): Promise<void> }
  const weatherTool: import('ai').Tool
  const graph: { stream(input: object, options: object): Promise<AsyncIterable<[{ content: unknown }]>> }
  const runnable: typeof core.runnable
  const client: import('agentos-sdk/client').AgentOSClient
  const stream: AsyncIterable<core.RunEvent>
  const message: string
  const session: { accessToken: string }
  const sessions: { of(headers: Headers): Promise<{ userId: string; roles: string[]; plan: string } | null> }
  const input: { files: [File] }
  const Agent: typeof core.Agent
  const AgentOS: typeof core.AgentOS
  const Team: typeof core.Team
  const Workflow: typeof core.Workflow
  const step: typeof core.step
  const sequence: typeof core.sequence
  const parallel: typeof core.parallel
  const branch: typeof core.branch
  const router: typeof core.router
  const loop: typeof core.loop
  const map: typeof core.map
  const sleep: typeof core.sleep
  const waitForEvent: typeof core.waitForEvent
  const approval: typeof core.approval
  const humanInput: typeof core.humanInput
  const writer: core.Agent
  const words: core.Step<string, number>
  const upper: core.Step<string, string>
  const byAgent: core.Step<string, string>
  const byTeam: core.Step<string, string>
  const byWorkflow: core.Step<string, string>
  const tool: typeof core.tool
  const z: typeof zod
  const openai: typeof models.openai
  const aiSdk: typeof models.aiSdk
  const scripted: typeof models.scripted
  const sqlite: typeof storages.sqlite
  const anthropic: (id: string) => models.AiSdkLanguageModel
  const createServer: typeof import('node:http').createServer
  const createNodeHandler: typeof import('agentos-sdk/node').createNodeHandler
  const agentOSRouter: typeof import('agentos-sdk/express').agentOSRouter
  const agentOSPlugin: typeof import('agentos-sdk/fastify').agentOSPlugin
  const agentOSHono: typeof import('agentos-sdk/hono').agentOSHono
}
`

/** Packages that documents name and this repository does not install. */
export const absentPackages = `
declare module '@ai-sdk/anthropic' {
  export const anthropic: (id: string) => import('agentos-sdk/models').AiSdkLanguageModel
}
declare module '@ai-sdk/openai' {
  export const openai: (id: string) => import('ai').LanguageModel
}
declare module '@openai/agents' {
  export class Agent {
    constructor(options: { name: string; instructions: string })
  }
  export function run(
    agent: Agent,
    messages: readonly object[],
    options: { stream: true; signal: AbortSignal },
  ): Promise<{ toTextStream(): AsyncIterable<string>; completed: Promise<void> }>
}
`
