/** The raw limit: a bare Fastify route that writes one row with a prepared statement. */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fastify from 'fastify'
import { answer, directory } from './serve.ts'

const database = new Database(join(directory, 'raw.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = NORMAL')
database.exec('CREATE TABLE runs (id INTEGER PRIMARY KEY, message TEXT, content TEXT)')
const insert = database.prepare('INSERT INTO runs (message, content) VALUES (?, ?)')

const app = fastify()
app.post<{ Body: { message: string } }>('/runs', (request, reply) => {
  const { lastInsertRowid } = insert.run(request.body.message, 'Hello!')
  void reply.send({ run_id: String(lastInsertRowid), status: 'completed', content: 'Hello!' })
})
answer({ count: () => database.prepare('SELECT count(*) AS count FROM runs').get() })
await app.listen({ port: 0, host: '127.0.0.1' })
const [address] = app.addresses() as [AddressInfo]
process.send!({ port: address.port })
