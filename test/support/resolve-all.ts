import type { AgentOS, ResolveApproval } from 'agentos-sdk'

export type Resolved = { status: string; resolvedBy?: string } | { code: string; refused: string }

/** What became of each of several resolutions of one approval at once. */
export function resolveAll(agentOS: AgentOS, id: string, resolutions: readonly ResolveApproval[]): Promise<Resolved[]> {
  return Promise.all(
    resolutions.map(async (resolution): Promise<Resolved> => {
      try {
        const { status, resolvedBy } = await agentOS.approvals.resolve(id, resolution)
        return { status, ...(resolvedBy !== undefined && { resolvedBy }) }
      } catch (error) {
        return { code: (error as { code: string }).code, refused: String(error) }
      }
    }),
  )
}
