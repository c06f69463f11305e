import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { LogEntry } from '../agents/log/entry.js'
import type { RunInput } from '../agents/log/run-record.js'
import { checkMedia } from '../agents/check-media.js'
import type { AgentDescription } from '../agents/description.js'
import type { Runnable, RunOptions } from '../agents/runnable.js'
import type { Caller } from '../core/caller.js'
import { checkInput } from '../core/check-input.js'
import type { Clock } from '../core/clock.js'
import { newId } from '../core/ids.js'
import type { JsonValue } from '../core/json.js'
import { attributedUserId } from '../core/principal.js'
import { secretUnknown } from '../webhooks/webhook-outbox.js'
import type { WebhookOutbox } from '../webhooks/webhook-outbox.js'
import type { RunWebhook } from '../webhooks/webhook.js'
import type { Catalog } from './catalog.js'
import { CreateRun, namedIn } from './create-run.js'
import type { Accepted, AcceptUnit, RunMode, RunRepository } from './run-repository.js'
import { serializeRequest } from './run-request.js'
import type { RunRequest } from './run-request.js'
import { toSegment } from './segment.js'
import type { PlacedEntry } from './segment.js'
import type { StoredMedia } from './stored-media.js'

export interface AcceptanceParts {
  runs: RunRepository
  media: StoredMedia
  catalog: Catalog
  clock: Clock
  executorId: string
  /** Pending runs of the database from which on a further one is refused. */
  maxPending: number
  mediaHosts: readonly string[]
  webhooks?: WebhookOutbox
}

/** A run that was asked for, checked and not yet stored. */
export interface PreparedRun {
  runnable: Runnable
  runId: string
  sessionId: string
  userId?: string
  mode: RunMode
  request: RunRequest
  /** What was asked for, before anything was made up for it. */
  asked: z.output<typeof CreateRun>
  createdAt: number
  concurrency: AcceptUnit['concurrency']
  /** Higher first, where runs wait for room. */
  priority: number
  runAfter?: number
  idempotencyKey?: string
}

/** A prepared run that is stored, with the entries that begin its log. */
export interface AcceptedRun extends PreparedRun {
  accepted: Exclude<Accepted, { outcome: 'repeated' }>
  committed: readonly PlacedEntry[]
}

const IDEMPOTENCY_MS = 24 * 60 * 60_000
const NAME_LENGTH = 120

/** Turns what somebody asks for into a stored run, or refuses it before anything is stored. */
export class RunAcceptance {
  constructor(private readonly parts: AcceptanceParts) {}

  /**
   * @throws ValidationError, NotFoundError and ForbiddenError for what can be said without looking into the storage.
   */
  prepare(caller: Caller, given: CreateRun, mode: RunMode): PreparedRun {
    const { signal: _signal, lastEventIndex: _index, ...fields } = given
    const input = checkInput(CreateRun, fields)
    const runnable = this.parts.catalog.find(namedIn(input))
    checkMedia(input, this.parts.mediaHosts)
    this.checkWebhook(input.webhook)
    const runInput = toRunInput(input)
    const idempotencyKey = isNobody(caller) ? undefined : input.idempotencyKey
    return {
      runnable,
      runId: input.runId ?? newId('run'),
      sessionId: caller.sessionId ?? input.sessionId ?? newId('ses'),
      userId: attributedUserId(caller, input.userId),
      mode,
      asked: input,
      request: {
        input: runnable.checkInput?.(runInput, toOptions(caller, input)) ?? runInput,
        options: toOptions(caller, input),
        caller,
        ...(idempotencyKey !== undefined && { isRepeatable: true }),
        ...(input.webhook && { webhook: input.webhook }),
      },
      createdAt: this.parts.clock.now(),
      concurrency: input.concurrency ?? runnable.concurrency ?? 'queue',
      priority: mode === 'background' ? (input.priority ?? 0) : 0,
      ...(mode === 'background' && input.runAfter !== undefined && { runAfter: Date.parse(input.runAfter) }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    }
  }

  private checkWebhook(webhook: RunWebhook | undefined): void {
    if (!webhook) return
    const { webhooks } = this.parts
    if (!webhooks) throw secretUnknown(webhook.secretRef)
    webhooks.check(webhook)
  }

  /** Stores the run. `repeated` names the run that the same request has made before. */
  async accept(prepared: PreparedRun): Promise<AcceptedRun | { repeated: string }> {
    const { runs, media } = this.parts
    const { runnable, sessionId, request, mode, createdAt } = prepared
    const stored = serializeRequest(await media.aside(prepared.runId, request))
    if (runnable.introduction !== undefined) await this.introduce(prepared, runnable.introduction)
    const started = startEntry(runnable)
    const committed: PlacedEntry[] = [{ index: 0, at: createdAt, entry: started }]
    const accepted = await runs.accept(request.caller, {
      run: {
        runId: prepared.runId,
        sessionId,
        userId: prepared.userId,
        component: { kind: runnable.kind, id: runnable.id, name: runnable.name },
        mode,
        request: stored,
        createdAt,
        priority: prepared.priority,
        runAfter: prepared.runAfter,
      },
      deferred: mode === 'background',
      newSession: { name: sessionName(request.input.inputContent), state: runnable.sessionState ?? {} },
      concurrency: prepared.concurrency,
      executorId: this.parts.executorId,
      firstSegment: toSegment(committed, 1),
      maxPending: this.parts.maxPending,
      ...(prepared.idempotencyKey !== undefined && {
        idempotency: {
          scope: `${request.caller.kind}:${request.caller.userId ?? ''} ${runnable.kind}s/${runnable.id}/runs`,
          key: prepared.idempotencyKey,
          fingerprint: fingerprint(prepared, await media.aside(prepared.runId, prepared.asked)),
          expiresAt: createdAt + IDEMPOTENCY_MS,
        },
      }),
    })
    if (accepted.outcome === 'repeated') return { repeated: accepted.runId }
    return { ...prepared, accepted, committed: accepted.outcome === 'running' ? committed : [] }
  }

  /** Lets a session that does not exist yet begin with what the agent says by itself. */
  private async introduce(prepared: PreparedRun, introduction: string): Promise<void> {
    const { runs, executorId } = this.parts
    const { runnable, sessionId, request, userId, createdAt } = prepared
    if (await runs.window(sessionId, 0, 0)) return
    const runId = newId('run')
    const message = {
      id: newId('msg'),
      role: 'assistant' as const,
      content: introduction,
      fromHistory: false,
      stopAfterToolCall: false,
      createdAt: Math.floor(createdAt / 1000),
    }
    const entries: LogEntry[] = [
      startEntry(runnable),
      { event: { event: 'RunContent', content: introduction, contentType: 'str' }, facts: { messages: [message] } },
      { event: { event: 'RunCompleted', content: introduction, contentType: 'str', status: 'completed' } },
    ]
    const placed = entries.map((entry, index) => ({ index, at: createdAt, entry }))
    const accepted = await runs.accept(request.caller, {
      run: {
        runId,
        sessionId,
        userId,
        component: { kind: runnable.kind, id: runnable.id, name: runnable.name },
        mode: 'plain',
        request: serializeRequest({ input: { inputContent: '' }, options: {}, caller: request.caller }),
        createdAt,
      },
      newSession: { name: sessionName(request.input.inputContent), state: runnable.sessionState ?? {} },
      concurrency: 'allow',
      executorId,
      firstSegment: toSegment(placed.slice(0, 1), 1),
      maxPending: this.parts.maxPending,
      // Of several first runs of one session only one introduces the agent.
      idempotency: {
        scope: `introduction of ${sessionId}`,
        key: 'introduction',
        fingerprint: '',
        expiresAt: createdAt + IDEMPOTENCY_MS,
      },
    })
    if (accepted.outcome !== 'running') return
    const body = { content: introduction, contentType: 'str', messages: [message] }
    await runs.append({
      runId,
      segment: toSegment(placed.slice(1), 1),
      at: createdAt,
      body: JSON.stringify(body),
      end: { status: 'completed', usage: {} },
    })
  }
}

/** The event that begins a run's log. */
export function startEntry(runnable: Runnable): LogEntry {
  const { model } = runnable.describe() as AgentDescription
  return {
    event: {
      event: 'RunStarted',
      ...(model?.model !== undefined && { model: model.model }),
      ...(model?.provider !== undefined && { modelProvider: model.provider }),
    },
  }
}

/**
 * Whether the caller is one of many that nobody can tell apart, as on a public path. A key counts per caller: the run of
 * one of them is not for another to see, whatever key it sends.
 */
function isNobody({ scoped, userId }: Caller): boolean {
  return scoped && userId === undefined
}

function toRunInput({ message, images, videos, audio, files }: z.output<typeof CreateRun>): RunInput {
  return {
    inputContent: message as JsonValue,
    ...(images?.length && { images: images.map(withId('img')) }),
    ...(videos?.length && { videos: videos.map(withId('vid')) }),
    ...(audio?.length && { audios: audio.map(withId('aud')) }),
    ...(files?.length && { files: files.map(withId('file')) }),
  }
}

function withId(prefix: string): <Media extends { id?: string }>(media: Media) => Media & { id: string } {
  return (media) => ({ ...media, id: media.id ?? newId(prefix) })
}

/** What a token pins replaces what the request says. */
function toOptions(caller: Caller, input: z.output<typeof CreateRun>): RunOptions {
  // A copy: a tool may change what it is given, and one caller serves many runs.
  const sessionState = structuredClone(caller.sessionState) ?? input.sessionState
  const dependencies = structuredClone(caller.dependencies) ?? input.dependencies
  return {
    ...(sessionState && { sessionState }),
    ...(dependencies && { dependencies }),
    ...(input.metadata && { metadata: input.metadata }),
    ...(input.additionalData && { additionalData: input.additionalData }),
    ...(input.knowledgeFilters !== undefined && { knowledgeFilters: input.knowledgeFilters }),
    ...(input.outputSchema && { outputSchema: input.outputSchema }),
    ...(input.useJsonSchema !== undefined && { useJsonSchema: input.useJsonSchema }),
    ...(input.addHistoryToContext !== undefined && { addHistoryToContext: input.addHistoryToContext }),
    ...(input.addDependenciesToContext !== undefined && { addDependenciesToContext: input.addDependenciesToContext }),
    ...(input.addSessionStateToContext !== undefined && { addSessionStateToContext: input.addSessionStateToContext }),
  }
}

/** The first words of a session, on one line. */
function sessionName(input: JsonValue): string {
  const text = typeof input === 'string' ? input : JSON.stringify(input)
  const line = text
    .slice(0, NAME_LENGTH * 4)
    .replaceAll(/\s+/g, ' ')
    .trim()
  return Array.from(line).slice(0, NAME_LENGTH).join('')
}

function fingerprint({ mode, userId }: PreparedRun, asked: z.output<typeof CreateRun>): string {
  return createHash('sha256')
    .update(JSON.stringify([mode, userId, asked]))
    .digest('base64url')
}
