/** An answer with a status other than the route's first, or with headers of its own. */
export class Reply<Status extends number = number, Value = unknown> {
  constructor(
    readonly status: Status,
    readonly value: Value,
    readonly headers?: Readonly<Record<string, string>>,
  ) {}
}

/**
 * Answers with this status, and headers beside the usual ones.
 *
 * @example
 * handler: async ({ os, body }) => reply(202, await os.runs.start(body), { headers: { 'X-Run-Id': run.runId } })
 */
export function reply<const Status extends number, Value = undefined>(
  status: Status,
  value?: Value,
  options: { headers?: Readonly<Record<string, string>> } = {},
): Reply<Status, Value> {
  return new Reply(status, value as Value, options.headers)
}
