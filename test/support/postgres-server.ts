import type { TestProject } from 'vitest/node'
import { startPostgres } from './embedded-postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL server of this run. */
    postgres: { url: string; origin: string }
  }
}

/** Takes the server that `AGENTOS_TEST_DATABASE_URL` names, or starts a real one for this run: tests never go without. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const named = process.env.AGENTOS_TEST_DATABASE_URL
  if (named) {
    project.provide('postgres', { url: named, origin: 'AGENTOS_TEST_DATABASE_URL' })
    return undefined
  }
  const server = await startPostgres()
  project.provide('postgres', { url: server.url, origin: 'started for this run (embedded-postgres)' })
  return () => server.stop()
}
