import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SDK } from '../../src/core/version.js'

it('tells the name and the version of the package', () => {
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as object &
    typeof SDK
  expect(SDK).toEqual({ name, version })
})
