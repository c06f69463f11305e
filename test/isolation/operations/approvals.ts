import { given, MISSING, pick } from '../call.js'
import type { Call, Generator, Making } from '../call.js'
import type { ApprovalRow } from '../ledger.js'
import { COMPONENTS } from '../components.js'

/** A call about one approval. */
function onApproval(making: Making, prefers?: (approval: ApprovalRow) => boolean): Call {
  const approval = pick(making, 'approval', undefined, prefers)
  return { params: { approval_id: approval?.id ?? MISSING.approval }, names: approval ? [approval] : [] }
}

const listApprovals: Generator = (making) => {
  const { choose, ledger, actor } = making
  const run = choose.once(3) ? pick(making, 'run') : undefined
  const session = !run && choose.once(3) ? pick(making, 'session') : undefined
  const source = choose.once(4) ? choose.of('agent', 'team', 'workflow') : undefined
  const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('approvals') ?? []), undefined) : undefined
  const isWhole = actor.scoped && actor.kind !== 'approver' && source === undefined
  return {
    query: given({
      run_id: run?.id,
      session_id: session?.id,
      ...(source && { [`${source}_id`]: choose.of(...COMPONENTS[source]) }),
      limit: choose.of('1', '2', '100'),
      cursor,
    }),
    names: [run, session].flatMap((row) => row ?? []),
    ...(isWhole && {
      list: {
        idsOf: ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id),
        expected: () =>
          ledger
            .of(ledger.approvals, actor.principal.number)
            .filter((row) => (!run || row.runId === run.id) && (!session || row.sessionId === session.id)),
        order: { key: 'created_at', descending: true },
      },
    }),
  }
}

const countApprovals: Generator = (making) => {
  const { choose, actor, world, ledger } = making
  const run = choose.once(2) ? pick(making, 'run') : undefined
  return {
    query: given({ run_id: run?.id }),
    names: run ? [run] : [],
    learn: async ({ body }) => {
      if (!actor.scoped || actor.kind === 'approver') return
      const pending = await world.ask('/approvals?status=pending&limit=1000')
      const ids = new Set(ledger.of(ledger.approvals, actor.principal.number).map(({ id }) => id))
      const own = (pending.data as { id: string; run_id: string }[])
        .filter(({ id }) => ids.has(id))
        .filter(({ run_id }) => !run || run_id === run.id)
      if (body.count !== own.length) throw new Error(`counts ${body.count}, but there are ${own.length} of its own`)
    },
  }
}

const resolveApproval: Generator = (making) => {
  const { choose, ledger, world, actor } = making
  const approval = pick(making, 'approval', undefined, ({ isPending }) => isPending)
  const note = ledger.canary(approval?.owner ?? actor.principal.number)
  return {
    params: { approval_id: approval?.id ?? MISSING.approval },
    body: {
      status: choose.of('approved', 'rejected'),
      resolution_data: { note },
      continue_run: choose.of(true, false),
    },
    names: approval ? [approval] : [],
    learn: () => {
      if (approval && ledger.runs.has(approval.runId)) world.unsettled.add(approval.runId)
    },
  }
}

const deleteApproval: Generator = (making) => {
  const call = onApproval(making, ({ isPending }) => !isPending)
  return { ...call, learn: () => void making.ledger.approvals.delete(call.params!.approval_id!) }
}

export const approvalOperations: Record<string, Generator> = {
  list_approvals: listApprovals,
  count_approvals: countApprovals,
  get_approval: (making) => onApproval(making),
  get_approval_status: (making) => onApproval(making),
  resolve_approval: resolveApproval,
  delete_approval: deleteApproval,
}
