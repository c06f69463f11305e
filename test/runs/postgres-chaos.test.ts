import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { nodesTrial } from '../chaos/nodes.ts'
import { root } from '../readme/snippets.js'

// The processes run the build, as `npm test` makes it before.
it('keeps what it promises on three processes that are harmed, with one PostgreSQL that restarts', async () => {
  const { counts, faults } = await nodesTrial({ runs: 40, clients: 10, seed: 20_261_124, faultEveryMs: 700 })
  console.log(JSON.stringify(counts))
  expect(faults).toEqual([])
  expect(counts).toMatchObject({ 'processes frozen': expect.any(Number), 'restarts of the database': 1 })
}, 180_000)

it('harms the program that the docs tell to write', async () => {
  const [program, recipe] = await Promise.all(
    ['examples/several-machines/serve.ts', 'docs/several-machines.md'].map((path) =>
      readFile(join(root, path), 'utf8'),
    ),
  )
  expect(recipe).toContain(`\`\`\`ts\n${program!}\`\`\``)
})
