/** A map that remembers what was set last, and forgets the oldest when it is full. */
export class RecentMap<Key, Value> {
  private readonly entries = new Map<Key, Value>()

  constructor(private readonly maxSize: number) {}

  get size(): number {
    return this.entries.size
  }

  get(key: Key): Value | undefined {
    return this.entries.get(key)
  }

  /** Puts it last in the line of what is to be forgotten. */
  set(key: Key, value: Value): void {
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.entries.size > this.maxSize) this.entries.delete(this.entries.keys().next().value!)
  }

  delete(key: Key): void {
    this.entries.delete(key)
  }

  /** Removes what fits; looks at every entry. */
  deleteWhere(fits: (value: Value) => boolean): void {
    for (const [key, value] of this.entries) if (fits(value)) this.entries.delete(key)
  }
}
