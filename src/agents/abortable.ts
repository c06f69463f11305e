/** Waits for the work, or for the abort, whichever is first: what ignores its signal holds nobody up. */
export async function abortable<Result>(work: PromiseLike<Result> | Result, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  try {
    return await new Promise<Result>((resolve, reject) => {
      onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      Promise.resolve(work).then(resolve, reject)
    })
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}

/** Reads a stream until it ends or the signal aborts, also when the stream takes no notice of the signal. */
export async function* abortableStream<Item>(
  stream: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void, void> {
  const iterator = stream[Symbol.asyncIterator]()
  let rejectNext: ((reason: unknown) => void) | undefined
  const onAbort = (): void => rejectNext?.(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = await new Promise<IteratorResult<Item>>((resolve, reject) => {
        rejectNext = reject
        iterator.next().then(resolve, reject)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a stream that is stuck would never let go. What it throws on its way out concerns nobody any more.
    iterator.return?.().then(undefined, () => undefined)
  }
}

/** setTimeout's longest wait; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `act` once after this many milliseconds. A time that no timer can hold, such as `Infinity`, never comes.
 *
 * @returns what calls it off.
 */
export function after(milliseconds: number, act: () => void): () => void {
  if (milliseconds > LONGEST_TIMER_MS) return () => undefined
  const timer = setTimeout(act, milliseconds)
  return () => clearTimeout(timer)
}

/**
 * Does the work with a signal of its own, which aborts with the parent or when the time is up. Neither waits for work
 * that ignores it.
 *
 * @throws the parent's reason, or what `timeUp` makes.
 */
export async function withDeadline<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  parent: AbortSignal,
  milliseconds: number,
  timeUp: () => Error,
): Promise<Result> {
  parent.throwIfAborted()
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(parent.reason)
  parent.addEventListener('abort', onAbort, { once: true })
  const callOff = after(milliseconds, () => controller.abort(timeUp()))
  try {
    return await abortable(work(controller.signal), controller.signal)
  } finally {
    callOff()
    parent.removeEventListener('abort', onAbort)
  }
}
