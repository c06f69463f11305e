import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  resolve: {
    // Tests name the package as its users do and run its source.
    alias: [
      { find: /^agentos-sdk$/, replacement: `${root}src/index.ts` },
      { find: /^agentos-sdk\/(models|storage|testing|client)$/, replacement: `${root}src/$1/index.ts` },
      { find: /^agentos-sdk\/(express|fastify|next|hono|node)$/, replacement: `${root}adapters/$1.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/support/postgres-server.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    coverage: { include: ['src/**/*.ts', 'adapters/**/*.ts'] },
  },
})
