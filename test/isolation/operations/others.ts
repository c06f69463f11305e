import { given, MISSING, pick } from '../call.js'
import type { Generator } from '../call.js'
import { COMPONENTS } from '../components.js'

const listAccounts: Generator = ({ choose, ledger, actor }) => {
  const isWhole = choose.once(2)
  const sortBy = choose.of(undefined, 'name', 'last_used_at')
  const cursor = choose.once(5) ? choose.of(...(ledger.cursors.get('accounts') ?? []), undefined) : undefined
  return {
    query: given({
      include_revoked: isWhole ? undefined : 'false',
      sort_by: sortBy,
      limit: choose.of('2', '1000'),
      cursor: sortBy === undefined ? cursor : undefined,
    }),
    ...(actor.scoped && {
      list: {
        idsOf: ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id),
        expected: () => ledger.of(ledger.accounts, actor.principal.number).filter((row) => isWhole || !row.isRevoked),
        ...(sortBy !== 'last_used_at' && { order: { key: sortBy ?? 'created_at', descending: true } }),
      },
    }),
  }
}

const createAccount: Generator = (making) => {
  const { choose, ledger, actor } = making
  const { number } = actor.principal
  const taken = choose.once(3) ? pick(making, 'account') : undefined
  const name = taken?.name ?? ledger.addPrincipal((one) => `sa:acct-${one}p`, number).userId!.slice('sa:'.length)
  return {
    body: { name, scopes: choose.of(['agents:run'], ['sessions:read', 'agents:run'], ['agents:support:run']) },
    learn: ({ body: { id } }) => ledger.add({ kind: 'account', id, owner: number, name, isRevoked: false }),
  }
}

const deleteAccount: Generator = (making) => {
  const account = pick(making, 'account')
  // Somebody acts by some of them all the time.
  const isInUse = making.world.actors.some(({ principal }) => principal.userId === `sa:${account?.name}`)
  const mayRevoke = account && (!isInUse || (making.actor.scoped && account.owner !== making.actor.principal.number))
  return {
    params: { service_account_id: mayRevoke ? account.id : MISSING.account },
    names: mayRevoke ? [account] : [],
    learn: () => {
      if (mayRevoke) account.isRevoked = true
    },
  }
}

/** What is nobody's in particular. */
export const otherOperations: Record<string, Generator> = {
  get_api_info: () => ({}),
  health_check: ({ choose }) => ({ query: given({ ready: choose.of(undefined, 'true') }) }),
  get_info: () => ({}),
  get_config: () => ({}),
  get_models: () => ({}),
  get_openapi: () => ({}),
  list_agents: () => ({}),
  get_agent: ({ choose }) => ({ params: { agent_id: choose.of(...COMPONENTS.agent, 'none') } }),
  list_teams: () => ({}),
  get_team: ({ choose }) => ({ params: { team_id: choose.of(...COMPONENTS.team, 'none') } }),
  list_workflows: () => ({}),
  get_workflow: ({ choose }) => ({ params: { workflow_id: choose.of(...COMPONENTS.workflow, 'none') } }),
  list_databases: () => ({}),
  migrate_database: () => ({ params: { db_id: 'agentos-db' }, query: { dry_run: 'true' }, body: {} }),
  migrate_all_databases: () => ({ query: { dry_run: 'true' }, body: {} }),
  list_service_accounts: listAccounts,
  create_service_account: createAccount,
  delete_service_account: deleteAccount,
}
