import { afterAll, beforeAll, describe } from 'vitest'
import type { WebHandler } from '../../src/http/web-handler.js'
import { bodyCases } from './cases/bodies.js'
import { faultCases } from './cases/faults.js'
import { hostCases } from './cases/host.js'
import { responseCases } from './cases/responses.js'
import { streamCases } from './cases/streams.js'
import { RemoteStandIn } from './client.js'
import { StandIn } from './stand-in.js'

/** How the host is set up for a handler. */
export interface Mount {
  /** Prefix of the mount, empty for the root. */
  basePath: string
  /** A middleware that compresses responses runs before us. */
  compression?: boolean
  /** The host's own parsers of JSON and forms run before us. */
  jsonParserBefore?: boolean
}

export interface RunningHost {
  url: string
  close(): Promise<void>
}

/**
 * Starts a host on a port of its own with a handler mounted in it. Beside the mount it serves `GET /host/hello`
 * ("hello from the host"), `POST /host/echo` (the parsed JSON body back), `GET /host/error` (throws), answers what
 * nobody knows with 404 "host 404", and errors with their status, or 500, and "host error: <message>".
 */
export type StartHost = (handler: WebHandler, mount: Mount) => Promise<RunningHost>

export interface ConformanceOptions {
  /** The ways of mounting that the host knows. Default: under a prefix and at the root. */
  mounts?: Mount[]
  /** False where the adapter can't give a request back: an unknown path is then answered by our own 404. */
  hasNext?: boolean
  /** False where errors are not shown to the app's own code. */
  hasErrorHandler?: boolean
  /** False where a server in front of the adapter does its own thing with the connection (Next.js). */
  isDirect?: boolean
}

/** What each case gets: the host, and what it holds. */
export interface Setting {
  /** Of the host. */
  url: string
  /** Of the mount. */
  base: string
  mount: Mount
  standIn: RemoteStandIn
  options: Required<ConformanceOptions>
}

/** The suite that every host adapter passes, against a real server on a real port. */
export function adapterConformance(name: string, startHost: StartHost, given: ConformanceOptions = {}): void {
  const options = {
    mounts: [{ basePath: '/os' }, { basePath: '' }],
    hasNext: true,
    hasErrorHandler: true,
    isDirect: true,
    ...given,
  }
  for (const mount of options.mounts) {
    describe(`${name}, ${describeMount(mount)}`, () => {
      let host: RunningHost
      const setting: Setting = { url: '', base: '', mount, standIn: new RemoteStandIn(), options }
      beforeAll(async () => {
        host = await startHost(new StandIn(), mount)
        setting.url = host.url
        setting.base = `${host.url}${mount.basePath}/si`
        setting.standIn.base = setting.base
      })
      afterAll(() => host?.close())
      bodyCases(setting)
      responseCases(setting)
      streamCases(setting)
      hostCases(setting)
      faultCases(setting)
    })
  }
}

function describeMount({ basePath, compression, jsonParserBefore }: Mount): string {
  const parts = [basePath === '' ? 'at the root' : `under ${basePath}`]
  if (compression) parts.push('behind compression')
  if (jsonParserBefore) parts.push('behind body parsers')
  return parts.join(', ')
}
