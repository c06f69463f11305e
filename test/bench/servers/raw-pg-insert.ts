/** The raw limit on PostgreSQL: a bare Fastify route that inserts one row with a prepared statement of `pg`. */
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { Pool } from 'pg'

const pool = new Pool({ connectionString: process.argv[3], max: 10 })
await pool.query('CREATE TABLE raw_runs (id bigserial PRIMARY KEY, message text, content text)')
const insert = { name: 'insert', text: 'INSERT INTO raw_runs (message, content) VALUES ($1, $2) RETURNING id' }

const app = fastify()
app.post<{ Body: { message: string } }>('/runs', async (request, reply) => {
  const { rows } = await pool.query<{ id: string }>({ ...insert, values: [request.body.message, 'Hello!'] })
  return reply.send({ run_id: rows[0]!.id, status: 'completed', content: 'Hello!' })
})
await app.listen({ port: 0, host: '127.0.0.1' })
const [address] = app.addresses() as [AddressInfo]
process.send!({ port: address.port })
