import { z } from 'zod'
import { UserJsonObject } from '../../core/schema.js'
import type { Usage } from '../../models/model.js'

const count = z.number().optional()

/** Tokens by kind; zeros are left out. `cost` is US dollars. */
const tokenCounts = {
  inputTokens: count,
  outputTokens: count,
  totalTokens: count,
  audioInputTokens: count,
  audioOutputTokens: count,
  audioTotalTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  reasoningTokens: count,
  cost: count,
}

export const TokenCounts = z.object(tokenCounts)
export type TokenCounts = z.infer<typeof TokenCounts>

export const MessageMetrics = z
  .object({ ...tokenCounts, duration: count, timeToFirstToken: count, providerMetrics: UserJsonObject.optional() })
  .meta({ id: 'MessageMetrics' })
export type MessageMetrics = z.infer<typeof MessageMetrics>

export const ModelMetrics = z
  .object({ id: z.string(), provider: z.string(), ...tokenCounts, providerMetrics: UserJsonObject.optional() })
  .meta({ id: 'ModelMetrics' })
export type ModelMetrics = z.infer<typeof ModelMetrics>

/** What a model was used for. */
export const ModelRole = z.enum([
  'model',
  'output_model',
  'parser_model',
  'memory_model',
  'reasoning_model',
  'session_summary_model',
  'culture_model',
  'learning_model',
  'compression_model',
  'followup_model',
  'eval_model',
])
export type ModelRole = z.infer<typeof ModelRole>

const details = z.partialRecord(ModelRole, z.array(ModelMetrics)).optional()

/** Tokens and times (seconds) of one run. */
export const RunMetrics = z
  .object({
    ...tokenCounts,
    duration: count,
    timeToFirstToken: count,
    details,
    additionalMetrics: UserJsonObject.optional(),
  })
  .meta({ id: 'RunMetrics' })
export type RunMetrics = z.infer<typeof RunMetrics>

/** Tokens of all runs of a session. */
export const SessionMetrics = z
  .object({ ...tokenCounts, details, additionalMetrics: UserJsonObject.optional() })
  .meta({ id: 'SessionMetrics' })
export type SessionMetrics = z.infer<typeof SessionMetrics>

const TOKEN_KEYS = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'audioInputTokens',
  'audioOutputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'cost',
] as const satisfies readonly (keyof Usage)[]

/** Adds what a request used to counts, in place; zeros stay out. */
export function addUsage(counts: TokenCounts, usage: Partial<Usage>): void {
  for (const key of TOKEN_KEYS) {
    const used = usage[key]
    if (used) counts[key] = (counts[key] ?? 0) + used
  }
}

/** What a request used, as counts without zeros. */
export function toTokenCounts(usage: Usage): TokenCounts {
  const counts: TokenCounts = {}
  addUsage(counts, usage)
  return counts
}

/** Adds one request of a run's model to the run's metrics, in place. */
export function addRequest(
  metrics: RunMetrics,
  usage: MessageMetrics,
  { model, modelProvider = '' }: { model?: string; modelProvider?: string },
): void {
  addUsage(metrics, usage)
  if (usage.timeToFirstToken !== undefined) metrics.timeToFirstToken ??= usage.timeToFirstToken
  if (model === undefined) return
  const details = (metrics.details ??= {})
  const models = (details.model ??= [])
  let known = models.find(({ id, provider }) => id === model && provider === modelProvider)
  if (!known) {
    known = { id: model, provider: modelProvider }
    models.push(known)
  }
  addUsage(known, usage)
}

/** A copy that shares nothing that is added to. */
export function copyMetrics({ details, ...counts }: RunMetrics): RunMetrics {
  if (!details) return counts
  const copies = Object.entries(details).map(([role, models]) => [role, models.map((model) => ({ ...model }))])
  return { ...counts, details: Object.fromEntries(copies) as RunMetrics['details'] }
}
