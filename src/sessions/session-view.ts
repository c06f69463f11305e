import type { Message } from '../agents/log/message.js'
import { toIso, toIsoSeconds } from '../core/clock.js'
import type { JsonObject } from '../core/json.js'
import { COMPONENT_KEY, componentSnapshot } from './session-component.js'
import type { Session, SessionDetail, SessionListItem } from './session.js'

/** A session as it stands in lists. */
export function toListItem(session: Session): SessionListItem {
  return {
    ...inCommon(session),
    sessionType: session.type,
    ...(session.componentId !== undefined && { [COMPONENT_KEY[session.type]]: session.componentId }),
  }
}

/** A session in full, in the form of its kind. */
export function toDetail(session: Session, chatHistory: Message[]): SessionDetail {
  const { sessionId, componentId = '', componentName } = session
  const snapshot = componentSnapshot(session)
  switch (session.type) {
    case 'agent':
      return {
        ...inCommon(session),
        agentSessionId: sessionId,
        agentId: componentId,
        ...(snapshot && { agentData: snapshot }),
        chatHistory,
      }
    case 'team':
      return { ...inCommon(session), teamId: componentId, ...(snapshot && { teamData: snapshot }), chatHistory }
    case 'workflow': {
      const { sessionSummary: _summary, metrics: _metrics, totalTokens: _tokens, ...common } = inCommon(session)
      return {
        ...common,
        workflowId: componentId,
        ...(componentName !== undefined && { workflowName: componentName }),
        ...(snapshot && { workflowData: snapshot }),
      }
    }
  }
}

function inCommon(session: Session) {
  const { userId, summary, metadata, metrics } = session
  return {
    sessionId: session.sessionId,
    sessionName: session.name,
    ...(userId !== undefined && { userId }),
    ...(summary && { sessionSummary: summary }),
    sessionState: session.state as JsonObject,
    ...(Object.keys(metrics).length > 0 && { metrics }),
    ...(metrics.totalTokens !== undefined && { totalTokens: metrics.totalTokens }),
    ...(metadata && { metadata: metadata as JsonObject }),
    createdAt: toIsoSeconds(session.createdAt),
    updatedAt: toIso(session.updatedAt),
  }
}
