import type { RunInput } from '../agents/log/run-record.js'
import type { RunOptions } from '../agents/runnable.js'
import type { Caller } from '../core/caller.js'
import type { RunWebhook } from '../webhooks/webhook.js'

/** What a run was accepted with; kept beside its log, so that any process can execute it. */
export interface RunRequest {
  input: RunInput
  options: RunOptions
  caller: Caller
  /** Whoever asks again gets this run, so that it goes on when its client has gone. */
  isRepeatable?: true
  /** Where its ends and pauses are posted to. */
  webhook?: RunWebhook
}

export function serializeRequest(request: RunRequest): string {
  return JSON.stringify(request)
}

export function parseRequest(text: string): RunRequest {
  return JSON.parse(text) as RunRequest
}
