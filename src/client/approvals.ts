import type { Approval, ApprovalStatus, CountApprovals, ListApprovals, ResolveApproval } from '../approvals/approval.js'
import type { Page } from '../core/page.js'
import type { RequestOptions } from './options.js'
import type { Transport } from './transport.js'

/** Approvals, as `agentOS.approvals` on the server has them. */
export class ApprovalsClient {
  constructor(private readonly transport: Transport) {}

  /** Newest first, a page at a time. */
  async list({ signal, ...query }: ListApprovals & RequestOptions = {}): Promise<Page<Approval>> {
    return (await this.transport.call('list_approvals', { params: {}, query, signal })).value as Page<Approval>
  }

  /** How many are pending. */
  async count({ signal, ...query }: CountApprovals & RequestOptions = {}): Promise<{ count: number }> {
    return (await this.transport.call('count_approvals', { params: {}, query, signal })).value as { count: number }
  }

  async get(approvalId: string, { signal }: RequestOptions = {}): Promise<Approval> {
    return (await this.transport.call('get_approval', { params: { approvalId }, signal })).value as Approval
  }

  /** The little that somebody polls for. */
  async status(approvalId: string, { signal }: RequestOptions = {}): Promise<ApprovalStatus> {
    const call = { params: { approvalId }, signal }
    return (await this.transport.call('get_approval_status', call)).value as ApprovalStatus
  }

  /**
   * Decides. Of several at once, one wins; the others get `APPROVAL_ALREADY_RESOLVED`. The run goes on when somebody
   * continues it, or by itself with `continueRun`.
   *
   * @example
   * ```ts
   * await client.approvals.resolve(approval.id, { status: 'approved', continueRun: true })
   * ```
   */
  async resolve(approvalId: string, input: ResolveApproval, { signal }: RequestOptions = {}): Promise<Approval> {
    const call = { params: { approvalId }, body: input, signal }
    return (await this.transport.call('resolve_approval', call)).value as Approval
  }

  /** Removes a closed approval. One that a run still waits for stays. */
  async delete(approvalId: string, { signal }: RequestOptions = {}): Promise<void> {
    await this.transport.call('delete_approval', { params: { approvalId }, signal })
  }
}
