/**
 * An AgentOS over HTTP, typed, for browsers, Node and edge runtimes.
 *
 * @module
 */
export { AgentsClient, TeamsClient, WorkflowsClient } from './components.js'
export { ApprovalsClient } from './approvals.js'
export { AgentOSClientError } from './client-error.js'
export type { ClientErrorFacts } from './client-error.js'
export { AgentOSClient } from './client.js'
export { DatabasesClient } from './databases.js'
export type { MigrateRequest } from './databases.js'
export type { AgentOSClientOptions, RequestOptions } from './options.js'
export type { RetryOptions } from './retry.js'
export type {
  ContinueRunRequest,
  CreateRunRequest,
  RunPlace,
  StreamContinueRequest,
  StreamRunRequest,
} from './run-request.js'
export { ClientRunStream } from './run-stream.js'
export { RunsClient } from './runs.js'
export type { ListRuns } from './runs.js'
export type { ApiInfo, Health, ServerInfo } from './server-info.js'
export { SessionsClient } from './sessions.js'
export type { DatabasePlace } from './sessions.js'

export type { AgentDescription } from '../agents/description.js'
export type { RunEvent, RunEventName } from '../agents/log/events.js'
export type { Audio, File, Image, Video } from '../agents/log/media.js'
export type { Message } from '../agents/log/message.js'
export type { RunMetrics } from '../agents/log/metrics.js'
export type { Run, RunFailure, RunInput, RunStatus } from '../agents/log/run-record.js'
export type { RunRequirement, ToolExecution } from '../agents/log/tool-execution.js'
export type {
  Approval,
  ApprovalState,
  ApprovalStatus,
  CountApprovals,
  ListApprovals,
  ResolutionData,
  ResolveApproval,
} from '../approvals/approval.js'
export type { ValidationIssue } from '../core/errors.js'
export type { JsonObject, JsonValue } from '../core/json.js'
export type { Page, Slice } from '../core/page.js'
export type { DatabaseMigration, DatabasesMigration, DatabaseStatus } from '../database/migration.js'
export type { OsConfig, ServedModel } from '../http/os-config.js'
export type { Checkpoint, CheckpointList, CheckpointSnapshot } from '../runs/checkpoints.js'
export type { ContinueFrom, ContinueRun } from '../runs/continue-run.js'
export type { RequirementDecision, ToolDecision } from '../runs/decisions.js'
export type { CancelledRun } from '../runs/run-canceller.js'
export type { StartedRun } from '../runs/run-manager.js'
export type { RunRow } from '../runs/run-row.js'
export type { StreamedRun } from '../runs/run-stream.js'
export type {
  CreateSession,
  DeleteSessions,
  ForkSession,
  ListSessionRuns,
  ListSessions,
  ReadSession,
  SelectSession,
  UpdateSession,
} from '../sessions/session-input.js'
export type { ForkedSession, SessionDetail, SessionListItem } from '../sessions/session.js'
