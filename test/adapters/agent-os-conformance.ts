import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { Agent, AgentOS } from 'agentos-sdk'
import { scripted } from 'agentos-sdk/models'
import type { ModelRequest } from 'agentos-sdk/models'
import { sqlite } from 'agentos-sdk/storage'
import { silentLogger } from '../../src/core/logger.js'
import type { Mount, RunningHost, StartHost } from './adapter-conformance.js'
import { agentOSBodyCases } from './cases/agent-os-bodies.js'
import { agentOSRefusalCases } from './cases/agent-os-refusals.js'
import { agentOSRunCases } from './cases/agent-os-runs.js'
import { agentOSSystemCases } from './cases/agent-os-system.js'

/** A host that serves a real AgentOS, as the cases see it. */
export interface ServedAgentOS {
  /** Of the host. */
  url: string
  /** Of the mount. */
  base: string
  basePath: string
  /** An agent that answers any message with a text, and `slowMessage` only after a while. */
  agentId: string
  slowMessage: string
  /** Lets runs of `slowMessage` come to their end, where the test holds them. */
  release(): void
  /** Holds runs of `slowMessage` again. */
  hold(): void
  /** The host's own route, and what it says. */
  hello: { path: string; text: string }
  /** What the host says of a path that is nobody's; undefined where our own 404 answers. */
  notFound?: string
  /** The host's own parser of JSON reads bodies first, and refuses what it can't read in its own words. */
  jsonParserBefore: boolean
}

/** Starts a host that serves an AgentOS; called once per suite. */
export type StartServed = () => Promise<{ served: ServedAgentOS; close(): Promise<void> }>

/** The suite that a real AgentOS passes behind every host, on a real port. */
export function agentOSConformance(title: string, start: StartServed, more?: (served: ServedAgentOS) => void): void {
  describe(`An AgentOS in ${title}`, () => {
    const served = {} as ServedAgentOS
    let close: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const started = await start()
      Object.assign(served, started.served)
      close = started.close
    })
    afterAll(() => close?.())
    agentOSRunCases(served)
    agentOSBodyCases(served)
    agentOSRefusalCases(served)
    agentOSSystemCases(served)
    more?.(served)
  })
}

/** The suite for a host that can run in this process: an AgentOS on a database file, mounted in each of these ways. */
export function agentOSInHost(name: string, startHost: StartHost, mounts: readonly Mount[]): void {
  for (const mount of mounts) {
    const place = mount.basePath === '' ? 'at the root' : `under ${mount.basePath}`
    const behind = [mount.compression && 'compression', mount.jsonParserBefore && 'body parsers'].filter(Boolean)
    const title = [`${name}, ${place}`, ...behind.map((what) => `behind ${what}`)].join(', ')
    agentOSConformance(title, () => inProcess(startHost, mount))
  }
}

async function inProcess(startHost: StartHost, mount: Mount): ReturnType<StartServed> {
  const folder = await mkdtemp(join(tmpdir(), 'agentos-host-'))
  const gate = new Gate()
  const model = scripted((request) => answer(request, gate.opened))
  const agentOS = new AgentOS({
    agents: [new Agent({ id: 'my-agent', model })],
    storage: sqlite(join(folder, 'agentos.db')),
    logger: silentLogger,
  })
  const host: RunningHost = await startHost(agentOS, mount)
  return {
    served: {
      url: host.url,
      base: host.url + mount.basePath,
      basePath: mount.basePath,
      agentId: 'my-agent',
      slowMessage: 'Take your time.',
      release: () => gate.open(),
      hold: () => gate.close(),
      hello: { path: '/host/hello', text: 'hello from the host' },
      notFound: 'host 404',
      jsonParserBefore: mount.jsonParserBefore ?? false,
    },
    async close() {
      gate.open()
      await host.close()
      await agentOS.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function answer({ messages }: ModelRequest, opened: Promise<void>) {
  const last = messages.at(-1)?.content
  const text = typeof last === 'string' ? last : JSON.stringify(last)
  return text === 'Take your time.' ? { content: 'At last.', stall: { until: opened } } : `You said: ${text}`
}

/** Shut until it is opened, and again when it is closed. */
class Gate {
  opened: Promise<void> = Promise.resolve()
  private release: () => void = () => undefined

  open(): void {
    this.release()
  }

  close(): void {
    this.release()
    this.opened = new Promise((resolve) => (this.release = resolve))
  }
}
