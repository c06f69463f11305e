import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { signedHeaders, signingKey } from '../../src/webhooks/sign.js'
import { root, snippetsOf } from '../readme/snippets.js'
import { temporaryPath } from '../storage/support/temporary.js'
import { otherSecret, secret } from '../webhooks/receiver.js'

/** A snippet of the page as a module, which is executed. */
async function execute(marker: string, change = (code: string) => code): Promise<Record<string, unknown>> {
  const snippet = (await snippetsOf('docs/approvals.md', 'ts')).find(({ code }) => code.includes(marker))
  const fixtures = join(root, 'test/fixtures')
  await mkdir(fixtures, { recursive: true })
  const folder = await mkdtemp(join(fixtures, 'approvals-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'snippet.ts')
  await writeFile(file, change(snippet!.code))
  return (await import(file)) as Record<string, unknown>
}

it('the program of the page does what it says', async () => {
  const said: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line))
  onTestFinished(() => void vi.restoreAllMocks())
  await execute('const refund', (code) => code.replace('agentos.db', temporaryPath()))
  expect(said).toEqual([
    'refund waits: {"order":7,"amount":42}',
    'paused',
    'approved by bob',
    'Paid 40 back for order 7.',
    'Done: you get 40 back.',
  ])
})

it('the receiver of the page takes what is signed, and nothing else', async () => {
  const { isGenuine } = (await execute('function isGenuine')) as {
    isGenuine: (headers: Headers, body: string, secret: string) => boolean
  }
  const body = '{"type":"run.completed"}'
  const signed = (at: number) => new Headers(signedHeaders(signingKey('default', secret), 'msg_1', at, body))
  expect(isGenuine(signed(Date.now()), body, secret)).toBe(true)
  expect(isGenuine(signed(Date.now()), `${body} `, secret)).toBe(false)
  expect(isGenuine(signed(Date.now()), body, otherSecret)).toBe(false)
  expect(isGenuine(signed(Date.now() - 3_600_000), body, secret)).toBe(false)
  expect(isGenuine(new Headers(), body, secret)).toBe(false)
})

it('signs as the example of the standard', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
  const headers = signedHeaders(
    signingKey('default', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330_000,
    '{"test": 2432232314}',
  )
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
