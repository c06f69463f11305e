/** Examples of the database routes, spelled as on the wire. */
export const databaseListExample = {
  data: [
    { db_id: 'agentos-db', version: '1.0.0', latest_version: '1.1.0', versions: ['1.0.0', '1.1.0'], state: 'behind' },
  ],
  meta: { page: 1, limit: 1, total_count: 1, total_pages: 1, search_time_ms: 0.4 },
}

export const migrateExample = { target_version: null }

export const migrationExample = {
  message: 'Database "agentos-db" was migrated from 1.0.0 to 1.1.0.',
  db_id: 'agentos-db',
  from_version: '1.0.0',
  to_version: '1.1.0',
  applied: ['1.1.0'],
  dry_run: false,
}
