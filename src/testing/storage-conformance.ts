import type { Storage } from '../storage/storage.js'
import { acceptCases } from './storage-cases/accept-cases.js'
import { appendCases } from './storage-cases/append-cases.js'
import { approvalCases } from './storage-cases/approval-cases.js'
import { cancelCases } from './storage-cases/cancel-cases.js'
import type { Cases } from './storage-cases/case.js'
import { forkCases } from './storage-cases/fork-cases.js'
import { idempotencyCases } from './storage-cases/idempotency-cases.js'
import { interruptCases } from './storage-cases/interrupt-cases.js'
import { isolationCases } from './storage-cases/isolation-cases.js'
import { leaseCases } from './storage-cases/lease-cases.js'
import { lineCases } from './storage-cases/line-cases.js'
import { mediaCases } from './storage-cases/media-cases.js'
import { nestedCases } from './storage-cases/nested-cases.js'
import { readCases } from './storage-cases/read-cases.js'
import { sessionCases } from './storage-cases/session-cases.js'
import { sessionListCases } from './storage-cases/session-list-cases.js'
import { textCases } from './storage-cases/text-cases.js'
import { webhookCases } from './storage-cases/webhook-cases.js'

export interface StorageConformanceOptions {
  /** Groups and declares tests: those of vitest, Jest, or `node:test`. */
  describe: (name: string, body: () => void) => void
  it: (name: string, body: () => Promise<void>) => void
  /** A new, empty storage for one test. The suite closes it. */
  open: () => Storage | Promise<Storage>
}

const groups: Record<string, Cases> = {
  'accepting a run': acceptCases,
  'idempotency keys': idempotencyCases,
  'the line of a session': lineCases,
  'interrupting a session': interruptCases,
  'appending to a log': appendCases,
  'cancelling and taking over': cancelCases,
  'processes and new legs': leaseCases,
  'forks and copies': forkCases,
  'a run inside of another': nestedCases,
  'reading runs': readCases,
  sessions: sessionCases,
  'listing sessions': sessionListCases,
  media: mediaCases,
  'an approval': approvalCases,
  'a delivery to a webhook': webhookCases,
  'texts of users and models': textCases,
  'units side by side': isolationCases,
}

/**
 * Declares the tests that every storage passes: run it against one of your own. It brings no test runner, you hand
 * in yours.
 *
 * @example
 * ```ts
 * import { describe, it } from 'vitest'
 * import { storageConformance } from 'agentos-sdk/testing'
 *
 * storageConformance({ describe, it, open: () => myStorage('memory:') })
 * ```
 */
export function storageConformance({ describe, it, open }: StorageConformanceOptions): void {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const [name, body] of Object.entries(cases)) {
        it(name, async () => {
          const storage = await open()
          try {
            await body(storage)
          } finally {
            await storage.close()
          }
        })
      }
    })
  }
}
