/**
 * Agents as a service inside the backend that you already have.
 *
 * @module
 */
export { AgentOS } from './agent-os.js'
export type { AgentOSOptions, ApprovalOptions } from './agent-os.js'
export { Agent } from './agents/agent.js'
export type { ContentOf, InputOf } from './agents/model-component.js'
export { Team } from './agents/team/team.js'
export { stop } from './agents/workflow/stop.js'
export type { StepContext } from './agents/workflow/step-context.js'
export type { Confirmation, Review, StepErrorPolicy, StepRules } from './agents/workflow/step-node.js'
export { sequence } from './agents/workflow/sequence.js'
export { step } from './agents/workflow/step.js'
export { branch, loop, map, parallel, router } from './agents/workflow/steps.js'
export type { Step } from './agents/workflow/typed-step.js'
export { approval, humanInput, sleep, waitForEvent } from './agents/workflow/waits.js'
export { Workflow } from './agents/workflow/workflow.js'
export type { WorkflowOptions } from './agents/workflow/workflow.js'
export type { TeamOptions } from './agents/team/team-options.js'
export type { TeamMode } from './agents/description.js'
export type { AgentContext, Dependencies } from './agents/agent-context.js'
export type { AgentOptions } from './agents/agent-options.js'
export { GuardrailError } from './agents/guardrail.js'
export type { GuardrailId, InputGuardrail, OutputGuardrail, PostHook, PreHook } from './agents/guardrail.js'
export type { LogEntry } from './agents/log/entry.js'
export type { RunEvent, RunEventName } from './agents/log/events.js'
export type { Audio, File, Image, Video } from './agents/log/media.js'
export type { Message } from './agents/log/message.js'
export type { RunMetrics } from './agents/log/metrics.js'
export type { AgentRun, Run, RunFailure, RunInput, RunStatus, TeamRun, WorkflowRun } from './agents/log/run-record.js'
export type { RunRequirement, ToolExecution } from './agents/log/tool-execution.js'
export type { AgentRunOf, AgentRunOptions, AgentStream, TeamRunOf, WorkflowRunOf } from './agents/memory-run.js'
export type { ForeignAgentDefinition, ForeignContext, ForeignMessage, ForeignPart } from './agents/foreign-agent.js'
export { mcpTools } from './agents/mcp.js'
export type { McpOptions, McpServer, McpToolset } from './agents/mcp.js'
export { RunFailedError } from './agents/run-failure.js'
export type { Concurrency, RunContext, Runnable, RunOptions } from './agents/runnable.js'
export { runnable } from './agents/runnable-of.js'
export type { ForeignAgent } from './agents/runnable-of.js'
export { toolResult } from './agents/tool-result.js'
export { tool } from './agents/tool.js'
export type { ApprovalExpiry, Tool, ToolContext, ToolDefinition, Toolset, TypedTool } from './agents/tool.js'
export type { Algorithm } from './auth/algorithms.js'
export type { AuthOptions, HostCaller, TokenSource } from './auth/auth-options.js'
export type { AuthRequest } from './auth/auth-request.js'
export { ApprovalGate } from './approvals/approval-gate.js'
export type { ApprovalCallbacks } from './approvals/approval-notices.js'
export type { Approval, ApprovalStatus, ListApprovals, ResolveApproval } from './approvals/approval.js'
export type { AccessResource, Authorize } from './core/access.js'
export type { Bound, Caller } from './core/caller.js'
export type { Clock } from './core/clock.js'
export {
  AgentOSError,
  BadRequestError,
  ConfigurationError,
  ConflictError,
  ForbiddenError,
  MissingPackageError,
  NotConfiguredError,
  NotFoundError,
  PayloadTooLargeError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  UnsupportedMediaTypeError,
  ValidationError,
} from './core/errors.js'
export type { ValidationIssue } from './core/errors.js'
export { Database } from './database/database.js'
export { Databases } from './database/databases.js'
export type { DatabaseMigration, DatabasesMigration, DatabaseStatus, MigrateDatabase } from './database/migration.js'
export type { PruneDatabase, PrunedDatabase } from './database/prune.js'
export type { MigrationStep } from './database/schema-repository.js'
export type { JsonObject, JsonValue } from './core/json.js'
export type { Logger } from './core/logger.js'
export type { Page, Slice } from './core/page.js'
export { holdsScope } from './core/scopes.js'
export type { Scope, ScopeAction, ScopeResource } from './core/scopes.js'
export type { RateLimit, RateLimiter } from './core/rate-limiter.js'
export type { AuditCallback, AuditEvent } from './http/audit.js'
export type { CorsOrigins } from './http/cors.js'
export type { RateLimits } from './http/usage-limits.js'
export type {
  MountOptions,
  OpenSocket,
  SocketHandler,
  SocketListener,
  SocketPeer,
  WebHandler,
} from './http/web-handler.js'
export type { Checkpoint, CheckpointList, CheckpointSnapshot } from './runs/checkpoints.js'
export type { ContinueFrom, ContinueRun } from './runs/continue-run.js'
export type { CreateRun } from './runs/create-run.js'
export type { CancelledRun } from './runs/run-canceller.js'
export { RunManager } from './runs/run-manager.js'
export type { StartedRun } from './runs/run-manager.js'
export type { RunSettings } from './runs/run-settings.js'
export type { RunFilter } from './runs/run-repository.js'
export { RunStream } from './runs/run-stream.js'
export type {
  ListServiceAccounts,
  MintedServiceAccount,
  MintServiceAccount,
  RotateServiceAccount,
  ScopeInfo,
  ServiceAccount,
} from './service-accounts/service-account.js'
export { ServiceAccounts } from './service-accounts/service-accounts.js'
export { SessionStore } from './sessions/session-store.js'
export type { ForkedSession, SessionDetail, SessionListItem } from './sessions/session.js'
export type { Storage } from './storage/storage.js'
export type { DeadDelivery, WebhookEndpoint, WebhookOptions } from './webhooks/webhook-options.js'
export type { RunWebhook } from './webhooks/webhook.js'
