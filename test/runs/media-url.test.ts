import { expect, it } from 'vitest'
import { scripted } from 'agentos-sdk/models'
import { testAgentOS } from '../support/agent-os.js'

const run = (url: string, options: Parameters<typeof testAgentOS>[1] = {}) =>
  testAgentOS(scripted('I see.'), options).runs.create({ agentId: 'my-agent', message: 'Look.', images: [{ url }] })

it('media may lie on the public internet only, since the model that fetches them may stand inside', async () => {
  for (const url of [
    'http://127.0.0.1/a.png',
    'http://169.254.169.254/',
    'http://minio:9000/a',
    'https://[::1]/a.png',
  ]) {
    await expect(run(url)).rejects.toMatchObject({ code: 'URL_FORBIDDEN', status: 422 })
  }
  expect(await run('https://example.com/a.png')).toMatchObject({ status: 'completed' })
})

it('hosts that the program names may be anywhere', async () => {
  const runs = { mediaHosts: ['minio:9000'] }
  expect(await run('http://minio:9000/a.png', { runs })).toMatchObject({ status: 'completed' })
  await expect(run('http://minio:9001/a.png', { runs })).rejects.toMatchObject({ code: 'URL_FORBIDDEN' })
})
