import { z } from 'zod'
import {
  Approval,
  APPROVAL_STATUSES,
  APPROVAL_TYPES,
  ApprovalStatus,
  PAUSE_TYPES,
  ResolveApproval,
  SOURCE_TYPES,
} from '../approvals/approval.js'
import { PageMeta } from '../core/page.js'
import {
  approvalExample,
  approvalListExample,
  approvalStatusExample,
  resolvedExample,
  resolveExample,
} from './approval-examples.js'
import { pageQuery, pageWindow } from './pagination.js'
import { queryEnum } from './query.js'
import { route } from './services.js'

const tags = ['Approvals']
const id = () => z.string().max(255).optional()
const approvalParams = z.object({ approvalId: z.string() })

const filters = {
  approvalType: queryEnum(APPROVAL_TYPES).optional(),
  sourceType: queryEnum(SOURCE_TYPES).optional(),
  pauseType: queryEnum(PAUSE_TYPES).optional(),
  agentId: id(),
  teamId: id(),
  workflowId: id(),
  userId: id(),
  scheduleId: id(),
  runId: id(),
  sessionId: id(),
}

const errors = {
  403: ['USER_MISMATCH', 'RESERVED_PRINCIPAL'],
  501: ['APPROVALS_NOT_CONFIGURED'],
  503: ['DATABASE_UNAVAILABLE', 'NOT_READY', 'SHUTTING_DOWN'],
}
const oneErrors = { 404: ['APPROVAL_NOT_FOUND'], 501: errors[501], 503: errors[503] }

const listApprovals = route({
  method: 'get',
  path: '/approvals',
  operationId: 'list_approvals',
  summary: 'List approvals',
  description: 'Newest first. Callers that see their own rows only see all of them where they hold `approvals:write`.',
  tags,
  scope: 'approvals:read',
  query: z.strictObject({ status: queryEnum(APPROVAL_STATUSES).optional(), ...filters, ...pageQuery(100) }),
  response: { 200: z.object({ data: z.array(Approval), meta: PageMeta }).meta({ id: 'ApprovalPage' }) },
  errors,
  examples: { response: approvalListExample },
  handler: ({ os, query }) => {
    if (query.cursor === undefined) pageWindow(query)
    return os.approvals.list(query)
  },
})

const countApprovals = route({
  method: 'get',
  path: '/approvals/count',
  operationId: 'count_approvals',
  summary: 'Count pending approvals',
  tags,
  scope: 'approvals:read',
  query: z.strictObject(filters),
  response: { 200: z.object({ count: z.number().int() }) },
  errors,
  examples: { response: { count: 3 } },
  handler: ({ os, query }) => os.approvals.count(query),
})

const getApproval = route({
  method: 'get',
  path: '/approvals/{approval_id}',
  operationId: 'get_approval',
  summary: 'Get an approval',
  tags,
  scope: 'approvals:read',
  params: approvalParams,
  response: { 200: Approval },
  errors: oneErrors,
  examples: { response: approvalExample },
  handler: ({ os, params }) => os.approvals.get(params.approvalId),
})

const getApprovalStatus = route({
  method: 'get',
  path: '/approvals/{approval_id}/status',
  operationId: 'get_approval_status',
  summary: 'Poll an approval',
  tags,
  scope: 'approvals:read',
  params: approvalParams,
  response: { 200: ApprovalStatus },
  errors: oneErrors,
  examples: { response: approvalStatusExample },
  handler: ({ os, params }) => os.approvals.status(params.approvalId),
})

const resolveApproval = route({
  method: 'post',
  path: '/approvals/{approval_id}/resolve',
  operationId: 'resolve_approval',
  summary: 'Approve or reject',
  description:
    'Of several at once, one wins; the others get 409, which names it. The run goes on when somebody continues it, or ' +
    'by itself with `continue_run`, as the caller that started it.',
  tags,
  scope: 'approvals:write',
  params: approvalParams,
  body: ResolveApproval,
  response: { 200: Approval },
  errors: {
    ...oneErrors,
    403: ['SELF_APPROVAL'],
    409: ['APPROVAL_ALREADY_RESOLVED', 'RUN_NOT_CONTINUABLE'],
    422: ['RESOLUTION_INCOMPLETE', 'INVALID_TOOL_ARGS', 'UNKNOWN_TOOL_CALL'],
  },
  examples: { request: resolveExample, response: resolvedExample },
  handler: ({ os, params, body }) => os.approvals.resolve(params.approvalId, body),
})

const deleteApproval = route({
  method: 'delete',
  path: '/approvals/{approval_id}',
  operationId: 'delete_approval',
  summary: 'Remove a closed approval',
  description: 'One that its run still waits for stays. Callers that see their own rows only can remove none.',
  tags,
  scope: 'approvals:delete',
  params: approvalParams,
  response: { 204: null },
  errors: { ...oneErrors, 409: ['APPROVAL_PENDING_DELETE'] },
  handler: ({ os, params }) => os.approvals.delete(params.approvalId),
})

export const approvalRoutes = [
  listApprovals,
  countApprovals,
  getApproval,
  getApprovalStatus,
  resolveApproval,
  deleteApproval,
]
