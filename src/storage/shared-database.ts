import { LinkedEventBus } from './linked-event-bus.js'
import type { OpenStorage } from './open-storage.js'

// Two copies of this library can be loaded in one process (bundles of a framework's routes, hot reload). They must
// find each other's database, so it hangs on the process; the number is the version of what hangs there.
const KEY = Symbol.for('agentos-sdk.databases.2')

/** The databases of this process by name. */
function databases(): Map<string, SharedDatabase> {
  const place = globalThis as { [KEY]?: Map<string, SharedDatabase> }
  return (place[KEY] ??= new Map<string, SharedDatabase>())
}

/** What the handles on one database share: the open database, counted, and one bus. */
export class SharedDatabase {
  readonly events = new LinkedEventBus(() => this.opened?.hasForeignWrite?.() ?? false)
  private opened: OpenStorage | undefined
  private handles = 0
  private opening: Promise<OpenStorage> | undefined
  /** Of the last time that it was open. */
  private closing: Promise<void> = Promise.resolve()

  private constructor(private readonly key: string | undefined) {}

  /** The database of that name, with one more handle on it. Without a name, nobody else gets it. */
  static acquire(key: string | undefined): SharedDatabase {
    const known = key === undefined ? undefined : databases().get(key)
    const shared = known ?? new SharedDatabase(key)
    if (key !== undefined) databases().set(key, shared)
    shared.handles++
    return shared
  }

  /** Opens it once for all. One that could not be opened is tried again by whoever comes next. */
  open(open: () => Promise<OpenStorage>): Promise<OpenStorage> {
    const opening = (this.opening ??= this.closing.then(open).then((opened) => {
      opened.linkTo?.(this.events)
      return opened
    }))
    opening.then(
      (opened) => {
        if (this.opening === opening) this.opened = opened
      },
      () => {
        if (this.opening === opening) this.opening = undefined
      },
    )
    return opening
  }

  /** Takes one handle away; with the last one, closes. */
  async release(): Promise<void> {
    if (--this.handles > 0) return
    const { opening } = this
    this.opening = undefined
    this.opened = undefined
    if (opening) {
      this.closing = opening.then(
        (opened) => opened.close(),
        () => undefined,
      )
    }
    await this.closing
    if (this.handles === 0 && this.key !== undefined && databases().get(this.key) === this) databases().delete(this.key)
  }
}
