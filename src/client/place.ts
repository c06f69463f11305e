import type { ComponentKind } from '../agents/log/source.js'
import type { Call, OperationName } from './transport.js'

/** Names a component: exactly one of the three. */
export type Named = { agentId: string } | { teamId: string } | { workflowId: string }

type Ids = { agentId?: string; teamId?: string; workflowId?: string }

/** Which component a request names, the path parameter that does, and what else the request holds. */
export interface Placed<Rest> {
  kind: ComponentKind
  params: Readonly<Record<string, string>>
  rest: Rest
}

/** @throws TypeError when none is named, for programs without a compiler. */
export function placeOf<Request extends Named>(request: Request): Placed<Omit<Request, keyof Ids>> {
  const { agentId, teamId, workflowId, ...rest } = request as Request & Ids
  const found = { rest: rest as Omit<Request, keyof Ids> }
  if (agentId !== undefined) return { ...found, kind: 'agent', params: { agentId } }
  if (teamId !== undefined) return { ...found, kind: 'team', params: { teamId } }
  if (workflowId !== undefined) return { ...found, kind: 'workflow', params: { workflowId } }
  throw new TypeError('Name what is meant: pass an agentId, a teamId or a workflowId.')
}

/** An operation that each kind of component has, as the one of a kind. */
export function operationOf(
  verb: string,
  kind: ComponentKind,
  of: 'run' | 'run_checkpoints' | 'run_checkpoint' | 'runs' | 'session',
): OperationName {
  return `${verb}_${kind}_${of}` as OperationName
}

/** A request of an operation that is known by its kind only. */
export type AnyCall = Omit<Call<OperationName>, 'params'> & { params: never }
