/** Hands items from several producers to one consumer, in the order in which they came. */
export class Inbox<Item> {
  private items: Item[] = []
  private wake: (() => void) | undefined

  push(item: Item): void {
    this.items.push(item)
    this.wake?.()
  }

  /** Everything that is there; waits while there is nothing. */
  async take(): Promise<Item[]> {
    if (this.items.length === 0) await new Promise<void>((resolve) => (this.wake = resolve))
    const taken = this.items
    this.items = []
    return taken
  }
}
