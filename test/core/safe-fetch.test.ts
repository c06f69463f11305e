import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { ValidationError } from '../../src/core/errors.js'
import { FetchError } from '../../src/core/fetch-error.js'
import { sendPinned } from '../../src/core/pinned-request.js'
import { createSafeFetch, safeFetch, type SafeFetch, type SafeFetchOptions } from '../../src/core/safe-fetch.js'
import type { AddressResolver } from '../../src/core/safe-target.js'
import { countingServer } from '../support/counting-server.js'

const toLoopback: AddressResolver = async () => ['127.0.0.1']

/** A safe fetch that trusts `files.test` on one port of loopback and nothing else. */
function fetchTrusting(port: number, resolve: AddressResolver = toLoopback): SafeFetch {
  return createSafeFetch({ resolve, allowedHosts: [`files.test:${port}`] })
}

const forbidden = expect.objectContaining({ code: 'URL_FORBIDDEN', status: 422 })

const hosts = {
  loopback: ['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '0', '0.0.0.0', '127.0.0.1.', '[::1]', '[::]'],
  'loopback, other bases': [
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
    '0177.0.0x1',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '0x7f.0x0.0x0.0x1',
    '00000177.0.0.1',
    '0x7F000001',
    '127.0x0.1',
    '127.0.0.1%00',
  ],
  'IPv6 around IPv4': [
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:0001]',
    '[::ffff:10.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b::0a00:0001]',
    '[::ffff:0.0.0.0]',
    '[::ffff:192.168.0.1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[2002:c0a8:0001::1]',
    '[2002:a9fe:a9fe::]',
    '[64:ff9b:1::127.0.0.1]',
    '[2002:7f00:1::]',
    '[2002:a00:1::1]',
    '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
    '[2606:4700::5efe:10.0.0.1]',
    '[2606:4700::200:5efe:127.0.0.1]',
  ],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.1',
    '0xc0a80001',
    '100.64.0.1',
    '100.127.255.255',
    '[fc00::1]',
    '[fd12:3456:789a::1]',
    '[fec0::1]',
  ],
  'link-local and metadata': [
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.170.2',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '[fe80::1]',
    '[fd00:ec2::254]',
    'metadata.google.internal',
    'metadata.google.internal.',
    'METADATA.GOOGLE.INTERNAL',
    'metadata',
    'instance-data',
    '169.254.169.254.',
    '[fd20:ce::254]',
    '[::ffff:a9fe:a9fe]',
  ],
  'reserved, multicast, documentation': [
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.9',
    '198.18.0.1',
    '198.19.255.255',
    '192.88.99.1',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '[ff02::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[100::1]',
    '[5f00::1]',
    '[4000::1]',
  ],
  names: [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'ｌocalhost',
    'api.localhost',
    'printer.local',
    'db.internal',
    'db.internal.',
    'router.lan',
    'nas.home.arpa',
    'intranet',
    'redis',
    'localhost.localdomain',
    'loopback.example.com',
    'loopback.example.com.',
  ],
}
const hostForms = Object.entries(hosts).flatMap(([kind, list]) => list.map((host) => ({ kind, host })))

const urlForms = [
  'file:///etc/passwd',
  'ftp://example.com/',
  'gopher://example.com/',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'ws://example.com/',
  'http://user@example.com/',
  'http://user:secret@example.com/',
  'http://:secret@example.com/',
  'http://example.com@127.0.0.1/',
  'http://example.com:25/',
  'http://example.com:22/',
  'https://example.com:445/',
  'http://[fe80::1%25eth0]/',
  'http://[::1%25lo]/',
  'http://[fe80::1%lo]/',
  'http://localhost\\@example.com/',
  'http://example.com\\@127.0.0.1/',
  'http:127.0.0.1',
  'http:/127.0.0.1/',
  'HTTP://LOCALHOST/',
  'http://127.0.0.1#@example.com/',
  'http://127.0.0.1?@example.com/',
  'http://ex\tample.local/',
  'dict://example.com/',
  'ldap://example.com/',
  'sftp://example.com/',
  'jar:http://example.com!/',
  'unix:/var/run/docker.sock',
  'blob:http://example.com/x',
  'http://example.com:6/',
  'http://0x7f.1:8080@127.1/',
  'http://',
  'http://999.1.1.1/',
  '//example.com/',
  '/etc/passwd',
  '',
]

const redirectForms = [
  'http://127.0.0.1:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://2130706433:PORT/',
  '//localhost:PORT/',
  '//[::1]:PORT/',
  'http://rebind.example.com:PORT/',
  'http://169.254.169.254/latest/meta-data/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:PORT/',
  'http://u:p@a.com/',
]

describe('a refused URL', () => {
  it.each(hostForms)('$kind: $host', async ({ host }) => {
    await using server = await countingServer((_request, response) => response.end('inside'))
    const fetch = createSafeFetch({ resolve: toLoopback })
    await expect(fetch(`http://${host}:${server.port}/`)).rejects.toEqual(forbidden)
    await expect(fetch(`https://${host}/`)).rejects.toEqual(forbidden)
    expect(server.connections).toBe(0)
  })

  it.each(urlForms)('form: %s', async (url) => {
    await expect(createSafeFetch({ resolve: toLoopback })(url)).rejects.toEqual(forbidden)
  })

  it('has one public and one private address', async () => {
    await using server = await countingServer((_request, response) => response.end('inside'))
    const fetch = createSafeFetch({ resolve: async () => ['192.31.196.1', '127.0.0.1'] })
    await expect(fetch(`http://mixed.example.com:${server.port}/`)).rejects.toEqual(forbidden)
    expect(server.connections).toBe(0)
  })

  it('says nothing about what the name resolves to', async () => {
    const error: unknown = await createSafeFetch({ resolve: async () => ['10.20.30.40'] })(
      'http://a.example.com/',
    ).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ValidationError)
    expect(String(error)).not.toContain('10.20')
  })
})

it('was tried with enough forms', () => {
  const count = hostForms.length * 2 + urlForms.length + redirectForms.length
  console.log(`safe fetch: ${count} URLs refused, ${redirectForms.length} of them after a redirect`)
  expect(count).toBeGreaterThanOrEqual(60)
})

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('%i to loopback is refused', async (status) => {
    await using inside = await countingServer((_request, response) => response.end('inside'))
    for (const form of redirectForms) {
      const location = form.replace('PORT', String(inside.port))
      await using server = await countingServer((_request, response) => response.writeHead(status, { location }).end())
      await expect(fetchTrusting(server.port)(`http://files.test:${server.port}/`)).rejects.toEqual(forbidden)
    }
    expect(inside.connections).toBe(0)
  })

  it('are followed, and the answer names where it came from', async () => {
    await using server = await countingServer((request, response) =>
      request.url === '/a' ? response.writeHead(302, { location: 'b?c=1' }).end() : response.end('there'),
    )
    const response = await fetchTrusting(server.port)(`http://files.test:${server.port}/a`)
    expect(response).toMatchObject({ status: 200, url: `http://files.test:${server.port}/b?c=1` })
    expect(Buffer.from(response.body).toString()).toBe('there')
  })

  it('end after the limit, also in a loop', async () => {
    await using server = await countingServer((_request, response) =>
      response.writeHead(302, { location: '/again' }).end(),
    )
    const url = `http://files.test:${server.port}/`
    await expect(fetchTrusting(server.port)(url)).rejects.toMatchObject({ kind: 'too_many_redirects' })
    expect(server.requests).toHaveLength(4)
    await expect(fetchTrusting(server.port)(url, { maxRedirects: 0 })).rejects.toBeInstanceOf(FetchError)
    expect(server.requests).toHaveLength(5)
  })

  it('to another origin carry no credentials', async () => {
    await using other = await countingServer((_request, response) => response.end())
    await using server = await countingServer((request, response) => {
      const location = request.url === '/' ? '/second' : `http://other.test:${other.port}/`
      response.writeHead(307, { location }).end()
    })
    const fetch = createSafeFetch({
      resolve: toLoopback,
      allowedHosts: [`files.test:${server.port}`, `other.test:${other.port}`],
    })
    const secrets = { authorization: 'Bearer x', cookie: 'a=b', 'x-api-key': 'k', 'content-type': 'text/plain' }
    await fetch(`http://files.test:${server.port}/`, { method: 'POST', headers: secrets, body: 'hello' })
    expect(server.requests[1]?.headers).toMatchObject(secrets)
    const arrived = other.requests[0]?.headers ?? {}
    expect(arrived).toMatchObject({ 'content-type': 'text/plain', host: `other.test:${other.port}` })
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(arrived).not.toHaveProperty(name)
  })

  it('are not followed out of TLS', async ({ skip, onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'agentos-tls-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=files.test -days 1'
    const made = spawnSync('openssl', [...words.split(' '), '-keyout', keyFile, '-out', certFile])
    if (made.status !== 0) skip('no openssl here to make a certificate with')
    await using plain = await countingServer((_request, response) => response.end('said aloud'))
    const location = `http://files.test:${plain.port}/`
    const [key, cert] = [await readFile(keyFile), await readFile(certFile)]
    const secret = createTlsServer({ key, cert }, (_request, response) => response.writeHead(302, { location }).end())
    secret.listen(0, '127.0.0.1')
    await once(secret, 'listening')
    onTestFinished(() => void secret.close())
    const { port } = secret.address() as AddressInfo
    const allowedHosts = [`files.test:${port}`, `files.test:${plain.port}`]
    // Nobody has signed the certificate.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const fetch = createSafeFetch({ resolve: toLoopback, allowedHosts })
    await expect(fetch(`https://files.test:${port}/`)).rejects.toEqual(forbidden)
    expect(plain.connections).toBe(0)
  })

  it('turn a POST into a GET without body where the standard says so', async () => {
    await using server = await countingServer((request, response) =>
      request.url === '/' ? response.writeHead(303, { location: '/seen' }).end() : response.end(),
    )
    await fetchTrusting(server.port)(`http://files.test:${server.port}/`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'hello',
    })
    expect(server.requests[1]?.method).toBe('GET')
    expect(server.requests[1]?.headers).not.toHaveProperty('content-type')
  })
})

describe('the connection', () => {
  it('asks the resolver once, so that a second, private answer is never used', async () => {
    await using server = await countingServer((_request, response) => response.end('inside'))
    // The first answer is a sink that is run for stray traffic; whether it can be reached does not matter.
    const answers = ['192.31.196.1', '127.0.0.1', '127.0.0.1']
    let asked = 0
    const resolve: AddressResolver = async () => [answers[asked++] ?? '127.0.0.1']
    const fetch = createSafeFetch({ resolve })
    await expect(fetch(`http://rebind.example.com:${server.port}/`, { timeoutMs: 300 })).rejects.toThrow(FetchError)
    expect(asked).toBe(1)
    expect(server.connections).toBe(0)
  })

  it('checks the name anew at each hop', async () => {
    await using server = await countingServer((_request, response) =>
      response.writeHead(302, { location: `http://rebind.example.com:${server.port}/` }).end(),
    )
    const fetch = fetchTrusting(server.port)
    await expect(fetch(`http://files.test:${server.port}/`)).rejects.toEqual(forbidden)
    expect(server.requests).toHaveLength(1)
  })

  it('sends nothing when it stands at another address than the checked one', async () => {
    await using server = await countingServer((_request, response) => response.end('inside'))
    const target = {
      url: new URL(`http://127.0.0.1:${server.port}/`),
      hostname: '127.0.0.1',
      addresses: ['192.31.196.1'],
    }
    const request = { method: 'GET', headers: new Headers(), signal: AbortSignal.timeout(5_000) }
    await expect(sendPinned(target, request)).rejects.toThrow('checked address')
    expect(server.requests).toHaveLength(0)
  })

  it('names the host to TLS, not the address', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const connected = once(server, 'connection')
    const failure = fetchTrusting(port)(`https://files.test:${port}/`).catch((cause: unknown) => cause)
    const [socket] = (await connected) as [Socket]
    const [hello] = (await once(socket, 'data')) as [Buffer]
    expect(hello.includes('files.test')).toBe(true)
    socket.destroy()
    expect(await failure).toMatchObject({ kind: 'connection' })
    server.close()
  })
})

describe('an allowed URL', () => {
  it('brings status, headers and body', async () => {
    await using server = await countingServer((request, response) => {
      request.pipe(response.writeHead(201, { 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'] }))
    })
    const url = `http://files.test:${server.port}/path?q=1`
    const headers = { 'x-mine': '1', host: 'evil.test', 'accept-encoding': 'gzip' }
    const response = await fetchTrusting(server.port)(url, { method: 'post', headers, body: 'echo' })
    expect(response).toMatchObject({ status: 201, url })
    expect(response.headers.get('x-answer')).toBe('yes')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(Buffer.from(response.body).toString()).toBe('echo')
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/path?q=1',
      headers: { host: `files.test:${server.port}`, 'x-mine': '1', 'accept-encoding': 'identity' },
    })
  })

  it('is trusted on that port only, and only under that name', async () => {
    await using server = await countingServer((_request, response) => response.end())
    const fetch = fetchTrusting(server.port)
    await expect(fetch(`http://files.test:${server.port + 1}/`)).rejects.toEqual(forbidden)
    await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toEqual(forbidden)
    await expect(fetch(`http://x.files.test:${server.port}/`)).rejects.toEqual(forbidden)
    expect(server.connections).toBe(0)
  })
})

/** 64 MiB of nothing in 64 kB. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))

describe('limits', () => {
  const failures: { name: string; options: SafeFetchOptions; kind: string; path: string }[] = [
    { name: 'an announced size', options: { maxBytes: 9 }, kind: 'too_large', path: '/ten' },
    { name: 'a streamed size', options: { maxBytes: 9 }, kind: 'too_large', path: '/chunks' },
    { name: 'an endless body', options: { maxBytes: 100_000 }, kind: 'too_large', path: '/endless' },
    { name: 'no answer', options: { timeoutMs: 100 }, kind: 'timeout', path: '/silent' },
    { name: 'a body that stalls', options: { timeoutMs: 100 }, kind: 'timeout', path: '/stalls' },
    { name: 'a packed body', options: {}, kind: 'invalid_response', path: '/gzip' },
    { name: 'a packed body that would grow past any limit', options: {}, kind: 'invalid_response', path: '/bomb' },
    { name: 'a body that drips', options: { timeoutMs: 150 }, kind: 'timeout', path: '/drips' },
    { name: 'headers without an end', options: {}, kind: 'connection', path: '/headers' },
    { name: 'a body cut off', options: {}, kind: 'connection', path: '/cut' },
  ]
  it.each(failures)('$name: $kind', async ({ options, kind, path }) => {
    await using server = await countingServer((request, response) => {
      const pump = (): void => {
        while (response.write(Buffer.alloc(16_384)));
        response.once('drain', pump)
      }
      if (request.url === '/ten') response.end('0123456789')
      else if (request.url === '/chunks') response.write('01234', () => response.end('56789'))
      else if (request.url === '/endless') pump()
      else if (request.url === '/stalls') response.write('some')
      else if (request.url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
      else if (request.url === '/bomb') response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
      else if (request.url === '/drips') {
        const drip = setInterval(() => response.write('a'), 10)
        response.once('close', () => clearInterval(drip))
      } else if (request.url === '/headers') {
        response.socket!.write(`HTTP/1.1 200 OK\r\n${'x-more: aaaaaaaaaaaaaaaa\r\n'.repeat(10_000)}`)
      } else if (request.url === '/cut') response.write('half', () => response.destroy())
    })
    const url = `http://files.test:${server.port}${path}`
    await expect(fetchTrusting(server.port)(url, options)).rejects.toMatchObject({ name: 'FetchError', kind })
  })

  it('a body of exactly the limit passes', async () => {
    await using server = await countingServer((_request, response) => response.end('0123456789'))
    const response = await fetchTrusting(server.port)(`http://files.test:${server.port}/`, { maxBytes: 10 })
    expect(response.body).toHaveLength(10)
  })

  it('the time limit covers a resolver that never answers', async () => {
    const fetch = createSafeFetch({ resolve: () => new Promise(() => undefined) })
    await expect(fetch('http://slow.example.com/', { timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout' })
  })

  it('a name that does not resolve says so', async () => {
    const unknown = createSafeFetch({ resolve: () => Promise.reject(new Error('ENOTFOUND')) })
    await expect(unknown('http://gone.example.com/')).rejects.toMatchObject({ kind: 'dns' })
    await expect(createSafeFetch({ resolve: async () => [] })('http://gone.example.com/')).rejects.toMatchObject({
      kind: 'dns',
    })
  })

  it('the caller can abort, before and while it runs', async () => {
    const reason = new Error('not needed any more')
    await expect(safeFetch('http://example.com/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    await using server = await countingServer(() => controller.abort(reason))
    const url = `http://files.test:${server.port}/`
    await expect(fetchTrusting(server.port)(url, { signal: controller.signal })).rejects.toBe(reason)
  })
})
