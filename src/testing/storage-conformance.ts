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
import { serviceAccountCases } from './storage-cases/service-account-cases.js'
import { serviceAccountListCases } from './storage-cases/service-account-list-cases.js'
import { retentionCases } from './storage-cases/retention-cases.js'
import { sessionCases } from './storage-cases/session-cases.js'
import { sessionListCases } from './storage-cases/session-list-cases.js'
import { textCases } from './storage-cases/text-cases.js'
import { twoNodeRecordCases } from './storage-cases/two-node-record-cases.js'
import { twoNodeRunCases } from './storage-cases/two-node-run-cases.js'
import { wakeCases } from './storage-cases/wake-cases.js'
import { webhookCases } from './storage-cases/webhook-cases.js'

export interface StorageConformanceOptions {
  /** Groups and declares tests: those of vitest, Jest, or `node:test`. */
  describe: (name: string, body: () => void) => void
  it: (name: string, body: () => Promise<void>) => void
  /** A new, empty storage for one test. The suite closes it. */
  open: () => Storage | Promise<Storage>
  /**
   * Another handle on the database of `storage`, as another process would have it: sharing nothing with it, where that
   * can be. Leave it out where there is no other way to the database; the cases of two processes then run on one
   * handle. The suite closes it.
   */
  openOther?: (storage: Storage) => Storage | Promise<Storage>
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
  'runs that wait for a time or an event': wakeCases,
  'reading runs': readCases,
  sessions: sessionCases,
  'listing sessions': sessionListCases,
  media: mediaCases,
  'an approval': approvalCases,
  'a delivery to a webhook': webhookCases,
  'a service account': serviceAccountCases,
  'listing service accounts': serviceAccountListCases,
  'removing what is old': retentionCases,
  'texts of users and models': textCases,
  'units side by side': isolationCases,
  'runs of two processes': twoNodeRunCases,
  'records of two processes': twoNodeRecordCases,
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
export function storageConformance({ describe, it, open, openOther }: StorageConformanceOptions): void {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const [name, body] of Object.entries(cases)) {
        it(name, async () => {
          const storage = await open()
          let other = storage
          try {
            if (body.length > 1 && openOther) other = await openOther(storage)
            await body(storage, other)
          } finally {
            await other.close()
            await storage.close()
          }
        })
      }
    })
  }
}
