import assert from 'node:assert/strict'
import type { Cases } from './case.js'

export const mediaCases: Cases = {
  'come back by their hash': async (storage) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at)
    const empty = new Uint8Array()
    await storage.media.put('run_1', [
      { hash: 'h1', bytes },
      { hash: 'h2', bytes: empty },
    ])
    const found = await storage.media.get(['h1', 'h2', 'h3'])
    assert.deepEqual([...found.keys()].toSorted(), ['h1', 'h2'])
    assert.deepEqual(new Uint8Array(found.get('h1')!), bytes)
    assert.deepEqual(new Uint8Array(found.get('h2')!), empty)
    assert.equal((await storage.media.get([])).size, 0)
  },

  'are stored once, however often they come': async (storage) => {
    const media = [{ hash: 'h1', bytes: Uint8Array.of(1, 2, 3) }]
    await Promise.all(Array.from({ length: 10 }, () => storage.media.put('run_1', media)))
    await storage.media.put('run_1', [...media, ...media, { hash: 'h2', bytes: Uint8Array.of(4) }])
    assert.equal((await storage.media.get(['h1', 'h2'])).size, 2)
    await storage.media.put('run_1', [])
  },

  'may be large': async (storage) => {
    const bytes = new Uint8Array(3_000_000).fill(7)
    await storage.media.put('run_1', [{ hash: 'h1', bytes }])
    assert.equal(Buffer.compare((await storage.media.get(['h1'])).get('h1')!, bytes), 0)
  },
}
