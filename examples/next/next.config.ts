import { join } from 'node:path'
import type { NextConfig } from 'next'

const config: NextConfig = {
  // The database drivers load native code and files of their own at run time: they must stay outside of the bundles.
  serverExternalPackages: [
    'agentos-sdk',
    'better-sqlite3',
    '@mikro-orm/core',
    '@mikro-orm/migrations',
    '@mikro-orm/sql',
    '@mikro-orm/postgresql',
    '@mikro-orm/sqlite',
    'pg-boss',
  ],
  // Only because this example lies inside the package that it uses.
  turbopack: { root: join(import.meta.dirname, '../..') },
}

export default config
