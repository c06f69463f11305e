import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

const count = () => p.integer().default(0)
const milliseconds = () => p.bigint('number')

/** A conversation. Its JSON is text, so that it comes back as it was written. */
export const SessionEntity = defineEntity({
  name: 'Session',
  tableName: 'agentos_sessions',
  properties: {
    sessionId: p.text().primary(),
    type: p.text(),
    /** Escaped: see `escapeText`. */
    name: p.text().default(''),
    /** What the name is searched and sorted by: see `foldText`. */
    nameSearch: p.text().default(''),
    userId: p.text().nullable(),
    componentId: p.text().nullable(),
    /** Escaped. */
    componentName: p.text().nullable(),
    state: p.text().default('{}'),
    summary: p.text().nullable(),
    metadata: p.text().nullable(),
    inputTokens: count(),
    outputTokens: count(),
    totalTokens: count(),
    audioInputTokens: count(),
    audioOutputTokens: count(),
    audioTotalTokens: count(),
    cacheReadTokens: count(),
    cacheWriteTokens: count(),
    reasoningTokens: count(),
    cost: p.double().default(0),
    createdAt: milliseconds(),
    updatedAt: milliseconds(),
    /** The run that has the session: running, or pending with its turn come. */
    activeRunId: p.text().nullable(),
  },
  indexes: [
    { name: 'agentos_sessions_created', properties: ['createdAt', 'sessionId'] },
    { name: 'agentos_sessions_updated', properties: ['updatedAt', 'sessionId'] },
    { name: 'agentos_sessions_name', properties: ['nameSearch', 'sessionId'] },
    { name: 'agentos_sessions_user', properties: ['userId', 'createdAt', 'sessionId'] },
    { name: 'agentos_sessions_component', properties: ['componentId', 'createdAt', 'sessionId'] },
  ],
})
export type SessionRow = InferEntity<typeof SessionEntity>
