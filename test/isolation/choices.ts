/** Small numbers that a property was given, spent one by one: the smaller, the plainer what comes of them; then zeros. */
export class Choices {
  private at = 0

  constructor(private readonly numbers: readonly number[]) {}

  next(): number {
    return this.numbers[this.at++] ?? 0
  }

  /** One of a list; the first is the plainest. */
  of<Item>(...items: readonly Item[]): Item {
    return items[this.next() % items.length]!
  }

  /** True once in so many times. */
  once(inTimes: number): boolean {
    return this.next() % inTimes === inTimes - 1
  }

  /** A part of a query or a body, or nothing. */
  maybe<Part extends object>(part: () => Part): Part | Record<string, never> {
    return this.once(2) ? part() : {}
  }
}
