import { z } from 'zod'
import { AgentRun, TeamRun, WorkflowRun } from '../agents/log/run-record.js'
import type { Run } from '../agents/log/run-record.js'
import type { ComponentKind } from '../agents/log/source.js'
import type { ComponentId } from '../runs/run-repository.js'
import { AgentRunRow, TeamRunRow, WorkflowRunRow } from '../runs/run-row.js'
import type { RunRow } from '../runs/run-row.js'
import { AgentFrame, ResumedAgentFrame, ResumedFrame, RunFrame } from './stream-frames.js'

/** What the routes of agents, teams and workflows differ in: they are the same but for this. */
export interface ServedKind {
  readonly kind: ComponentKind
  readonly plural: 'agents' | 'teams' | 'workflows'
  /** "An agent", for summaries. */
  readonly article: string
  readonly tag: string
  /** The parameter of paths that names one, in code and on the wire. */
  readonly param: 'agentId' | 'teamId' | 'workflowId'
  readonly inPath: '{agent_id}' | '{team_id}' | '{workflow_id}'
  readonly notFound: 'AGENT_NOT_FOUND' | 'TEAM_NOT_FOUND' | 'WORKFLOW_NOT_FOUND'
  readonly run: z.ZodType<Run>
  readonly row: z.ZodType<RunRow>
  /** What its streams hold, also of runs inside. */
  readonly frame: z.ZodType
  readonly resumedFrame: z.ZodType
  readonly params: z.ZodObject<{}>
  /** An id for examples. */
  readonly example: string
}

function paramsOf(param: ServedKind['param'], example: string): ServedKind['params'] {
  return z.object({ [param]: z.string().meta({ examples: [example] }) })
}

export const servedKinds = {
  agent: {
    kind: 'agent',
    plural: 'agents',
    article: 'an agent',
    tag: 'Agents',
    param: 'agentId',
    inPath: '{agent_id}',
    notFound: 'AGENT_NOT_FOUND',
    run: AgentRun,
    row: AgentRunRow,
    frame: AgentFrame,
    resumedFrame: ResumedAgentFrame,
    params: paramsOf('agentId', 'support'),
    example: 'support',
  },
  team: {
    kind: 'team',
    plural: 'teams',
    article: 'a team',
    tag: 'Teams',
    param: 'teamId',
    inPath: '{team_id}',
    notFound: 'TEAM_NOT_FOUND',
    run: TeamRun,
    row: TeamRunRow,
    frame: RunFrame,
    resumedFrame: ResumedFrame,
    params: paramsOf('teamId', 'desk'),
    example: 'desk',
  },
  workflow: {
    kind: 'workflow',
    plural: 'workflows',
    article: 'a workflow',
    tag: 'Workflows',
    param: 'workflowId',
    inPath: '{workflow_id}',
    notFound: 'WORKFLOW_NOT_FOUND',
    run: WorkflowRun,
    row: WorkflowRunRow,
    frame: RunFrame,
    resumedFrame: ResumedFrame,
    params: paramsOf('workflowId', 'release'),
    example: 'release',
  },
} as const satisfies Record<ComponentKind, ServedKind>

/** The component that a path names. */
export function namedIn({ kind, param }: ServedKind, params: Readonly<Record<string, unknown>>): ComponentId {
  return { kind, id: params[param] as string }
}
