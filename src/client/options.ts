import type { RetryOptions } from './retry.js'

/** Where an AgentOS is, and how to talk to it. */
export interface AgentOSClientOptions {
  /** Where the AgentOS is mounted: `https://example.com/os`; in a browser also `/os`. */
  baseUrl: string | URL
  /** Sent as `Authorization: Bearer …`. A function is asked before each request, so that a token can be renewed. */
  token?: string | (() => string | undefined | Promise<string | undefined>)
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>
  /** Whether cookies go along to another origin. */
  credentials?: 'omit' | 'same-origin' | 'include'
  /** In the place of the platform's. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
  /**
   * For requests that may be sent again: those that read, that cancel, or that start a run. Default: 3 retries, from
   * 250 ms to 10 s apart. `Retry-After` is kept to.
   */
  retry?: Partial<RetryOptions>
  /** For a stream that broke off, counted anew with each event that comes. Default: 10 retries. */
  reconnect?: Partial<RetryOptions>
  /** Milliseconds without a byte after which a stream counts as dead. The server sends something every 15 s. Default: 45 s. */
  silenceMs?: number
}

/** What every method takes last. */
export interface RequestOptions {
  signal?: AbortSignal
}

export interface Settings {
  retry: RetryOptions
  reconnect: RetryOptions
  silenceMs: number
}

export function settingsOf({ retry, reconnect, silenceMs = 45_000 }: AgentOSClientOptions): Settings {
  const delays = { baseDelayMs: 250, maxDelayMs: 10_000 }
  return {
    retry: { retries: 3, ...delays, ...retry },
    reconnect: { retries: 10, ...delays, ...reconnect },
    silenceMs,
  }
}
