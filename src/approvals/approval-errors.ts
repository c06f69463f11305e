import { toIso } from '../core/clock.js'
import { ConflictError, ForbiddenError, NotFoundError, ValidationError } from '../core/errors.js'
import type { StoredApproval } from './approval-repository.js'

export function approvalNotFound(id: string): NotFoundError {
  return new NotFoundError('APPROVAL_NOT_FOUND', `There is no approval "${id}".`)
}

/** Names what has won. */
export function alreadyResolved({ id, status, resolvedBy, resolvedAt }: StoredApproval): ConflictError {
  const by = resolvedBy === undefined ? '' : ` by "${resolvedBy}"`
  const at = resolvedAt === undefined ? '' : ` at ${toIso(resolvedAt)}`
  return new ConflictError('APPROVAL_ALREADY_RESOLVED', `Approval "${id}" was ${status}${by}${at}.`)
}

export function approvalPending(approvalId: string): ForbiddenError {
  return new ForbiddenError(
    'APPROVAL_PENDING',
    `The run waits for approval "${approvalId}", which is pending. Whoever may resolves it first; no other decision counts.`,
  )
}

export function selfApproval(id: string): ForbiddenError {
  return new ForbiddenError(
    'SELF_APPROVAL',
    `You have started the run that approval "${id}" is for. Somebody else has to resolve it.`,
  )
}

export function pendingDelete(id: string): ConflictError {
  return new ConflictError(
    'APPROVAL_PENDING_DELETE',
    `The run of approval "${id}" waits for it and could never go on. Resolve it and continue the run, or cancel the run.`,
  )
}

export function incomplete(message: string, path: string): ValidationError {
  return new ValidationError('RESOLUTION_INCOMPLETE', `resolution_data.${path} ${message}.`, [
    { path: `resolution_data.${path}`, message },
  ])
}
