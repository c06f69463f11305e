import { setTimeout as sleep } from 'node:timers/promises'
import { Follower } from './follower.ts'
import type { SeenEvent } from './follower.ts'

interface Requirement {
  id: string
  member_run_id?: string
  tool_execution: {
    tool_call_id: string
    tool_name: string
    interrupted?: boolean
    requires_confirmation?: boolean
    approval_type?: string
    approval_id?: string
  }
}

/** The parts of an event of a workflow or a team that are judged, or decided about. */
export interface FlowEvent extends SeenEvent {
  run_id: string
  step_id?: string
  reason?: string
  pause_kind?: string
  tool?: { tool_call_id: string; tool_name: string; result?: string }
  step_requirements?: {
    step_id: string
    confirmed: boolean | null
    confirmation_message?: string
    requires_confirmation: boolean
    executor_requirements?: Requirement[]
  }[]
}

export interface ApprovalAnswer {
  id: string
  status: string
  requirements: Requirement[]
}

/** How a client goes about it; the order of things that one may do in either is up to chance. */
export interface Manners {
  /** Sends the event that a step waits for before any step does. */
  isEarly: boolean
  /** Has who resolves an approval go on with the run, in the place of a request of its own. */
  continuesByApproval: boolean
}

const RUN_MS = 120_000
const json = { 'content-type': 'application/json' }

/**
 * Starts a run of a workflow or a team, follows it through all deaths of the server, and decides whatever is asked:
 * yes, but for what was interrupted and may have happened already.
 */
export class FlowClient {
  readonly follower: Follower
  /** What was interrupted, and is not to be run again: tools by name, steps by id. */
  readonly interrupted = new Set<string>()
  /** Approvals of which this client was told that it has resolved them. */
  readonly resolved: string[] = []
  readonly faults: string[] = []
  /** Called before a decision is sent. */
  onDecision: () => void = () => undefined
  readonly kind: 'workflow' | 'team'
  readonly runId: string
  readonly runPath: string
  private readonly base: string
  private readonly message: unknown
  private readonly manners: Manners
  private isSent = false

  constructor(base: string, kind: 'workflow' | 'team', runId: string, message: unknown, manners: Manners) {
    this.base = base
    this.kind = kind
    this.runId = runId
    this.message = message
    this.manners = manners
    this.runPath = `${this.path}/${runId}`
    this.follower = this.reader()
  }

  get seen(): FlowEvent[] {
    return this.follower.seen as FlowEvent[]
  }

  /** Another client, that has seen nothing yet. */
  reader(): Follower {
    return new Follower(this.base, (event) => this.isEnd(event as FlowEvent | undefined))
  }

  async toTheEnd(): Promise<void> {
    const early = this.kind === 'workflow' && this.manners.isEarly ? this.sendEvent() : undefined
    const { follower } = this
    for (const deadline = Date.now() + RUN_MS; ;) {
      if (follower.last === undefined) await this.create()
      else await this.resume()
      const last = this.seen.at(-1)
      if (this.isEnd(last)) {
        if (!last!.event.endsWith('Paused')) break
        await this.decide(last!)
      }
      if (Date.now() > deadline) throw new Error(`${this.runId} hangs after ${JSON.stringify(last)}`)
      await sleep(15)
    }
    await early
  }

  /** What the server answers, as soon as there is one; `undefined` for anything but a 2xx. */
  async ask<Answer>(path: string): Promise<Answer> {
    for (const deadline = Date.now() + RUN_MS; ;) {
      const response = await this.send(path)
      if (response?.ok) return response.body as Answer
      if (Date.now() > deadline) throw new Error(`${path} answers ${JSON.stringify(response)}`)
      await sleep(50)
    }
  }

  /** `undefined` when the server dies meanwhile. What it answers must make sense at all times. */
  async send(path: string, body?: object): Promise<{ ok: boolean; status: number; body: unknown } | undefined> {
    try {
      const init = body && { method: 'POST', headers: json, body: JSON.stringify(body) }
      const response = await fetch(this.base + path, init)
      const answer: unknown = await response.json()
      if (!response.ok && response.status !== 409 && response.status !== 404) {
        this.faults.push(`${path} answers ${response.status} ${JSON.stringify(answer)} to ${JSON.stringify(body)}`)
      }
      return { ok: response.ok, status: response.status, body: answer }
    } catch {
      return undefined
    }
  }

  private get path(): string {
    return this.kind === 'workflow' ? '/workflows/flow/runs' : '/teams/desk/runs'
  }

  private isEnd(event: FlowEvent | undefined): boolean {
    const names =
      this.kind === 'workflow'
        ? /^Workflow(Paused|Completed|Cancelled|Error)$/
        : /^TeamRun(Paused|Completed|Cancelled|Error)$/
    return event !== undefined && event.run_id === this.runId && names.test(event.event)
  }

  /** With a key it may be sent until there is an answer: it makes one run. */
  private async create(): Promise<void> {
    const body = {
      message: this.message,
      run_id: this.runId,
      session_id: `of-${this.runId}`,
      stream: true,
      background: true,
    }
    const headers = { ...json, 'idempotency-key': this.runId }
    await this.follower.read(this.path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  private async resume(): Promise<void> {
    const headers = { 'Last-Event-ID': String(this.follower.last!.event_index) }
    await this.follower.read(`${this.runPath}/resume`, { headers })
  }

  private async decide(pause: FlowEvent): Promise<void> {
    if (pause.pause_kind === 'timer') return
    if (pause.pause_kind === 'event') return this.sendEvent()
    const approvals = await this.send(`/approvals?run_id=${this.runId}&status=pending`)
    if (!approvals?.ok) return
    const decided = this.decisions(pause)
    const isAlone = Object.values(decided).every((list: unknown[]) => list.length === 0)
    const { data } = approvals.body as { data: ApprovalAnswer[] }
    for (const { id, requirements } of data) {
      // It shows what was asked before, too.
      const own = requirements.filter(({ tool_execution: { approval_id } }) => approval_id === id)
      const status = own.some((one) => this.isInterrupted(one)) ? 'rejected' : 'approved'
      const continue_run = isAlone && this.manners.continuesByApproval
      this.onDecision()
      const answer = await this.send(`/approvals/${id}/resolve`, { status, ...(continue_run && { continue_run }) })
      if (!answer) return
      if (answer.ok) this.resolved.push(id)
      if (continue_run) return
    }
    this.onDecision()
    await this.send(`${this.runPath}/continue`, { ...decided, background: true })
  }

  /** What is not up to an approval. */
  private decisions({ requirements = [], step_requirements: steps = [] }: FlowEvent): Record<string, object[]> {
    if (this.kind === 'team') return { requirements: this.confirmations(requirements) }
    const step_requirements = steps.flatMap((one) => {
      const { step_id, confirmation_message: message, executor_requirements: executor } = one
      if (one.confirmed !== null || step_id === 'sure') return []
      if (executor) return { step_id, executor_requirements: this.confirmations(executor) }
      const isInterrupted = message?.includes('interrupted') === true
      if (isInterrupted) this.interrupted.add(step_id)
      return { step_id, confirmed: !isInterrupted }
    })
    return { step_requirements }
  }

  private confirmations(requirements: readonly Requirement[]): object[] {
    return requirements.flatMap((one) => {
      const isInterrupted = this.isInterrupted(one)
      if (one.tool_execution.approval_type === 'required') return []
      return { id: one.id, confirmation: !isInterrupted }
    })
  }

  private isInterrupted({ tool_execution: { tool_name: name, interrupted = false } }: Requirement): boolean {
    if (interrupted) this.interrupted.add(name)
    return interrupted
  }

  /** However often it is sent, its id makes it one event. */
  private async sendEvent(): Promise<void> {
    const event = { name: 'paid', payload: [1, 2, 3], id: `paid-${this.runId}` }
    while (!this.isSent) {
      const answer = await this.send(`${this.runPath}/events`, event)
      // 409: it has ended, so it has got its event with an answer that was lost.
      if (answer?.ok || answer?.status === 409) this.isSent = true
      else await sleep(20)
    }
  }
}
