/** What a step gives that ends the workflow; see {@link stop}. */
export class Stop<Value> {
  constructor(readonly value: Value) {}
}

/**
 * Ends the workflow early: returned by the function of a step, the value is the workflow's output.
 *
 * @example
 * ```ts
 * const check = step({ name: 'check', run: (order: Order) => (order.isPaid ? order : stop('Not paid.')) })
 * ```
 */
export function stop<Value>(value: Value): Stop<Value> {
  return new Stop(value)
}
