import { vi } from 'vitest'
import { adapterConformance } from './adapter-conformance.js'
import { nextHost } from './hosts/next.js'

// It builds the app first.
vi.setConfig({ hookTimeout: 180_000, testTimeout: 20_000 })

adapterConformance('Next.js', nextHost, {
  mounts: [{ basePath: '/api/os' }],
  hasNext: false,
  hasErrorHandler: false,
  isDirect: false,
})
