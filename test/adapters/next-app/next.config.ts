import { join } from 'node:path'
import type { NextConfig } from 'next'

const config: NextConfig = {
  turbopack: {
    // The fixture takes the adapter's source from the repository that it lies in. Turbopack does not look for a .ts
    // behind a .js that an import names, as TypeScript does.
    root: join(import.meta.dirname, '../../..'),
    resolveAlias: {
      '../../../../../../../adapters/next.js': '../../../adapters/next.ts',
      '../../../../../stand-in.js': '../stand-in.ts',
      './plain-response.js': '../plain-response.ts',
    },
  },
  typescript: { ignoreBuildErrors: true },
}

export default config
