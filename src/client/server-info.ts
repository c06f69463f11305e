// Their schemas stand in the routes (src/http/system.ts), which have no types to take from.

export interface Health {
  status: 'ok'
  /** ISO 8601. */
  instantiatedAt: string
}

export interface ApiInfo {
  name: 'AgentOS API'
  id: string
  version: string
}

export interface ServerInfo {
  osId: string
  name: string | null
  /** Of the origin's API whose contract this is. */
  agnoVersion: string
  sdk: { name: string; version: string }
  agentCount: number
  teamCount: number
  workflowCount: number
  mcp: { enabled: boolean; path: string | null; oauth: null }
  authMode: 'none' | 'security_key' | 'jwt'
}
