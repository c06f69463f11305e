import { isAway } from './faults.js'
import type { NativeClient, NativePool } from './native.js'

/** Lends a connection. One that has failed is closed, and not given to others. */
export async function withClient<Result>(
  pool: NativePool,
  work: (client: NativeClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  let isBroken = false
  try {
    return await work(client)
  } catch (error) {
    isBroken = isAway(error)
    throw error
  } finally {
    client.release(isBroken)
  }
}
