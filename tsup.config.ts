import { copyFile, mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { defineConfig } from 'tsup'

const docsAssets = ['swagger-ui-bundle.js', 'swagger-ui.css']

async function copyDocsAssets(): Promise<void> {
  const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  await mkdir('dist/docs-assets', { recursive: true })
  await Promise.all(docsAssets.map((name) => copyFile(join(source, name), join('dist/docs-assets', name))))
  // Apache-2.0 asks that the licence and the notice travel with the files.
  await copyFile(join(source, 'LICENSE'), 'dist/docs-assets/LICENSE.txt')
  await copyFile(join(source, 'NOTICE'), 'dist/docs-assets/NOTICE.txt')
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    models: 'src/models/index.ts',
    storage: 'src/storage/index.ts',
    testing: 'src/testing/index.ts',
    client: 'src/client/index.ts',
    express: 'adapters/express.ts',
    fastify: 'adapters/fastify.ts',
    next: 'adapters/next.ts',
    hono: 'adapters/hono.ts',
    node: 'adapters/node.ts',
  },
  format: 'esm',
  target: 'node22',
  // Shared chunks: an error class thrown through one entry is the class that another entry exports.
  splitting: true,
  removeNodeProtocol: false,
  sourcemap: false,
  // Declarations come from tsc (`npm run build:types`): a build of the JavaScript alone leaves them in place.
  clean: ['!types/**'],
  silent: true,
  onSuccess: copyDocsAssets,
})
