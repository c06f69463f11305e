import type { TokenCounts } from '../../agents/log/metrics.js'
import type { Session, SessionSummary, SessionType } from '../../sessions/session.js'
import type { SessionRow } from './session.entity.js'
import { columnName } from './column-name.js'
import { escapeText, foldText, unescapeText } from './text.js'

/** The counts that a session adds up, each in a column of its own. */
export const TOKEN_KEYS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'audioTotalTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'cost',
] as const satisfies readonly (keyof TokenCounts)[]

/** The columns of {@link TOKEN_KEYS}, in their order. */
export const TOKEN_COLUMNS = TOKEN_KEYS.map(columnName)

export function nameColumns(name: string): { name: string; nameSearch: string } {
  return { name: escapeText(name), nameSearch: foldText(name) }
}

export function toRow(session: Session): Omit<SessionRow, 'activeRunId'> & { activeRunId: null } {
  const { sessionId, type, userId, componentId, componentName, metrics, createdAt, updatedAt } = session
  return {
    sessionId,
    type,
    ...nameColumns(session.name),
    userId: userId ?? null,
    componentId: componentId ?? null,
    componentName: componentName === undefined ? null : escapeText(componentName),
    state: JSON.stringify(session.state),
    summary: jsonColumn(session.summary),
    metadata: jsonColumn(session.metadata),
    ...tokenColumns(metrics),
    createdAt,
    updatedAt,
    activeRunId: null,
  }
}

export function toSession(row: SessionRow): Session {
  return {
    sessionId: row.sessionId,
    name: unescapeText(row.name),
    type: row.type as SessionType,
    userId: row.userId ?? undefined,
    componentId: row.componentId ?? undefined,
    componentName: row.componentName == null ? undefined : unescapeText(row.componentName),
    state: JSON.parse(row.state) as Record<string, unknown>,
    summary: row.summary == null ? undefined : (JSON.parse(row.summary) as SessionSummary),
    metadata: row.metadata == null ? undefined : (JSON.parse(row.metadata) as Record<string, unknown>),
    metrics: tokenCounts(row),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

export function jsonColumn(value: object | null | undefined): string | null {
  return value == null ? null : JSON.stringify(value)
}

function tokenColumns(counts: TokenCounts): Record<(typeof TOKEN_KEYS)[number], number> {
  return Object.fromEntries(TOKEN_KEYS.map((key) => [key, counts[key] ?? 0])) as ReturnType<typeof tokenColumns>
}

function tokenCounts(row: SessionRow): TokenCounts {
  const counts: TokenCounts = {}
  for (const key of TOKEN_KEYS) if (row[key] !== 0) counts[key] = Number(row[key])
  return counts
}
