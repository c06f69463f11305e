/** Hands items from several producers to one consumer, in the order in which they came. */
export class Inbox<Item> {
  private items: { item: Item; settle?: Settle }[] = []
  private unsettled: Settle[] = []
  private wake: (() => void) | undefined
  private closed: Error | undefined

  push(item: Item): void {
    this.items.push({ item })
    this.wake?.()
  }

  /**
   * As `push`; waits until the consumer has done with the item, which is when it asks for the next ones.
   *
   * @throws Error when the consumer has left.
   */
  async deliver(item: Item): Promise<void> {
    if (this.closed) throw this.closed
    await new Promise<void>((resolve, reject) => {
      this.items.push({ item, settle: { resolve, reject } })
      this.wake?.()
    })
  }

  /** Everything that is there; waits while there is nothing. */
  async take(): Promise<Item[]> {
    for (const { resolve } of this.unsettled) resolve()
    this.unsettled = []
    if (this.items.length === 0) await new Promise<void>((resolve) => (this.wake = resolve))
    const taken = this.items
    this.items = []
    this.unsettled = taken.flatMap(({ settle }) => settle ?? [])
    return taken.map(({ item }) => item)
  }

  /** Nobody takes anything any more: whoever waits for that is told. */
  close(): void {
    this.closed = new Error('Nobody waits for this any more.')
    for (const { reject } of [...this.unsettled, ...this.items.flatMap(({ settle }) => settle ?? [])])
      reject(this.closed)
    this.unsettled = []
    this.items = []
  }
}

interface Settle {
  resolve: () => void
  reject: (error: Error) => void
}
