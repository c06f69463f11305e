import * as prettier from 'prettier'
import { describe, expect, it } from 'vitest'
import { agentEvents } from '../../src/agents/log/agent-events.js'
import { endsLeg, RunEvent } from '../../src/agents/log/events.js'
import { teamEvents } from '../../src/agents/log/team-events.js'
import { workflowEvents } from '../../src/agents/log/workflow-events.js'
import { operations } from '../../src/client/contract.js'
import { approvalRoutes } from '../../src/http/approvals.js'
import { componentRoutes } from '../../src/http/components.js'
import { checkpointRoutes } from '../../src/http/checkpoints.js'
import { continueRoutes } from '../../src/http/continue.js'
import { databaseRoutes } from '../../src/http/databases.js'
import { resumeRoutes } from '../../src/http/resume.js'
import type { Route } from '../../src/http/route.js'
import { runRoutes } from '../../src/http/runs.js'
import { serviceAccountRoutes } from '../../src/http/service-accounts.js'
import { sessionForkRoutes } from '../../src/http/session-fork.js'
import { sessionRoutes } from '../../src/http/sessions.js'
import { workflowRunRoutes } from '../../src/http/workflow-runs.js'
import { systemRoutes } from '../../src/http/system.js'
import { testAgentOS } from '../support/agent-os.js'
import { FormReader, operationOf } from './form-of.js'

/** Paths whose methods are still to be written. What is written is taken off. */
const notYetCovered: RegExp[] = []

/** Paths for tools, not for programs. */
const notForPrograms = [/^\/openapi\.json$/]

function isOpen(path: string): boolean {
  return [...notYetCovered, ...notForPrograms].some((pattern) => pattern.test(path))
}

/** The routes that the client has methods for. A file of new routes goes in here, and its methods into src/client. */
const covered = [
  ...componentRoutes,
  ...runRoutes,
  ...resumeRoutes,
  ...continueRoutes,
  ...workflowRunRoutes,
  ...checkpointRoutes,
  ...sessionRoutes,
  ...sessionForkRoutes,
  ...approvalRoutes,
  ...serviceAccountRoutes,
  ...databaseRoutes,
  ...systemRoutes,
].filter((route) => !isOpen(route.path)) as unknown as Route<never>[]

const HEAD = `// Made from the routes and schemas of the server. Do not edit: npx vitest run test/client/contract.test.ts -u
import type { Form } from './form.js'

`

async function generated(): Promise<string> {
  const reader = new FormReader()
  reader.of(RunEvent)
  const all = Object.fromEntries(covered.map((route) => [route.operationId, operationOf(route, reader)]))
  const options = [...agentEvents, ...teamEvents, ...workflowEvents]
  const names = options.map(({ shape }) => String([...(shape.event as { values: Set<unknown> }).values][0]))
  const text =
    `${HEAD}export const forms: Readonly<Record<string, Form>> = ${JSON.stringify(reader.forms)}\n\n` +
    `/** By the operation's id in the API's description; answers by status. */\n` +
    `export const operations = ${JSON.stringify(all)} as const\n\n` +
    `/** Events that end a leg of a run. */\n` +
    `export const LEG_ENDS: readonly string[] = ${JSON.stringify(names.filter((event) => endsLeg({ event })))}\n`
  const style = await prettier.resolveConfig(import.meta.filename)
  return prettier.format(text, { ...style, parser: 'typescript' })
}

describe("the client's contract", () => {
  it('is what the routes say', async () => {
    await expect(await generated()).toMatchFileSnapshot('../../src/client/contract.ts')
  })

  it('covers every operation that is served', async () => {
    const response = await testAgentOS().fetch(new Request('http://host/openapi.json'))
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, { operationId: string }>> }
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ path, method: method.toUpperCase(), operationId })),
    )
    const known = Object.entries(operations).map(([operationId, { path, method }]) => ({ path, method, operationId }))
    const byId = (a: { operationId: string }, b: { operationId: string }): number =>
      a.operationId < b.operationId ? -1 : 1
    expect(known.toSorted(byId)).toEqual(served.filter(({ path }) => !isOpen(path)).toSorted(byId))
  })
})
