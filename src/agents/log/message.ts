import { z } from 'zod'
import { EpochSeconds, UserJsonObject } from '../../core/schema.js'
import { Audio, File, Image, Video } from './media.js'
import { MessageMetrics } from './metrics.js'

/** Passages that an answer or a question was enriched with. */
export const MessageReferences = z
  .object({
    query: z.string(),
    references: z.array(z.unknown()).optional(),
    /** Seconds that the search took. */
    time: z.number().optional(),
  })
  .meta({ id: 'MessageReferences' })

export const Citations = z
  .object({
    raw: z.unknown().optional(),
    searchQueries: z.array(z.string()).optional(),
    urls: z.array(z.object({ url: z.string().optional(), title: z.string().optional() })).optional(),
    documents: z
      .array(
        z.object({
          documentTitle: z.string().optional(),
          citedText: z.string().optional(),
          fileName: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Citations' })
export type Citations = z.infer<typeof Citations>

export const ReasoningStep = z
  .object({
    title: z.string().optional(),
    action: z.string().optional(),
    result: z.string().optional(),
    reasoning: z.string().optional(),
    nextAction: z.enum(['continue', 'validate', 'final_answer', 'reset']).optional(),
    confidence: z.number().optional(),
  })
  .meta({ id: 'ReasoningStep' })
export type ReasoningStep = z.infer<typeof ReasoningStep>

/** One message of a run, as sent to or got from the model. */
export const Message = z
  .object({
    id: z.string(),
    role: z.enum(['system', 'user', 'assistant', 'tool']),
    content: z.union([z.string(), z.array(z.unknown())]).optional(),
    reasoningContent: z.string().optional(),
    redactedReasoningContent: z.string().optional(),
    compressedContent: z.string().optional(),
    name: z.string().optional(),
    toolCallId: z.string().optional(),
    toolName: z.string().optional(),
    toolArgs: z.unknown().optional(),
    toolCallError: z.boolean().optional(),
    toolCalls: z
      .array(
        z.object({
          id: z.string(),
          type: z.literal('function'),
          function: z.object({ name: z.string(), arguments: z.string() }),
        }),
      )
      .optional(),
    /** Copied in from earlier runs of the session. */
    fromHistory: z.boolean(),
    stopAfterToolCall: z.boolean(),
    images: z.array(Image).optional(),
    audio: z.array(Audio).optional(),
    videos: z.array(Video).optional(),
    files: z.array(File).optional(),
    audioOutput: Audio.optional(),
    references: MessageReferences.optional(),
    providerData: UserJsonObject.optional(),
    metrics: MessageMetrics.optional(),
    checkpointStatus: z.string().optional(),
    checkpointCreatedAt: EpochSeconds.optional(),
    createdAt: EpochSeconds,
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof Message>
