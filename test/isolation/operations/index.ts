import type { Generator } from '../call.js'
import { approvalOperations } from './approvals.js'
import { otherOperations } from './others.js'
import { runOperations } from './runs.js'
import { sessionOperations } from './sessions.js'
import { workflowOperations } from './workflow-runs.js'

/**
 * How each operation of `/openapi.json` is called, by its `operationId`. A new operation needs an entry: what it names
 * (`names`) must answer to others as if it were not there, what it lists (`list`) must be what the model knows of the
 * caller, and what it makes is told to the model (`learn`).
 */
export const generators: Record<string, Generator> = {
  ...otherOperations,
  ...runOperations,
  ...workflowOperations,
  ...sessionOperations,
  ...approvalOperations,
}
