/** Text that the run has shown, with the index of the event that showed its first part. */
interface ShownText {
  index: number
  content: string
  reasoning: string
}

/** {@link ShownContent} as JSON. */
export interface ShownState {
  shownSince?: number
  shownSteps: ShownText[]
  openStep: ShownText[]
}

/** What a run has shown of its answer and not withdrawn: of each model step that has finished, and of the open one. */
export class ShownContent {
  /** Index of the first event that has shown some of the answer; undefined while nothing stands. */
  since: number | undefined
  private readonly steps: ShownText[]
  private open: ShownText[]

  constructor(state: ShownState = { shownSteps: [], openStep: [] }) {
    this.since = state.shownSince
    this.steps = [...state.shownSteps]
    this.open = [...state.openStep]
  }

  /** All text that stands. */
  get text(): string {
    return joined('content', this.steps, this.open)
  }

  get reasoning(): string {
    return joined('reasoning', this.steps, this.open)
  }

  /** Text of the step that has not finished. */
  get openText(): string {
    return joined('content', this.open)
  }

  get openReasoning(): string {
    return joined('reasoning', this.open)
  }

  /** Index of the first event that has shown some of the step that has not finished. */
  get openSince(): number | undefined {
    return this.open[0]?.index
  }

  /** Whether text stands that was shown after this index. */
  isAfter(index: number): boolean {
    return [this.steps.at(-1), this.open.at(-1)].some((piece) => piece !== undefined && piece.index > index)
  }

  add(index: number, content: string, reasoning: string): void {
    this.open.push({ index, content, reasoning })
  }

  closeStep(): void {
    const [first] = this.open
    if (!first) return
    // One piece per step is enough: text is only ever withdrawn from the beginning of a step.
    this.steps.push({ index: first.index, content: this.openText, reasoning: this.openReasoning })
    this.open = []
  }

  withdraw(after: number): void {
    this.open = this.open.filter(({ index }) => index <= after)
    while ((this.steps.at(-1)?.index ?? -1) > after) this.steps.pop()
    if (this.since !== undefined && this.since > after) this.since = undefined
  }

  state(): ShownState {
    return { shownSince: this.since, shownSteps: [...this.steps], openStep: [...this.open] }
  }
}

function joined(part: 'content' | 'reasoning', ...lists: readonly (readonly ShownText[])[]): string {
  let text = ''
  for (const pieces of lists) for (const piece of pieces) text += piece[part]
  return text
}
