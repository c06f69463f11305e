import { expectTypeOf, it } from 'vitest'
import type { AgentOS, Approval, Page, Run, RunEvent, SessionDetail, SessionListItem } from 'agentos-sdk'
import type { AgentOSClient } from 'agentos-sdk/client'

it('takes and returns what the server does in code', () => {
  type Server = AgentOS['runs']
  type Client = AgentOSClient['runs']
  expectTypeOf<Awaited<ReturnType<Client['create']>>>().toEqualTypeOf<Awaited<ReturnType<Server['create']>>>()
  expectTypeOf<Awaited<ReturnType<Client['start']>>>().toEqualTypeOf<Awaited<ReturnType<Server['start']>>>()
  expectTypeOf<Awaited<ReturnType<Client['cancel']>>>().toEqualTypeOf<Awaited<ReturnType<Server['cancel']>>>()
  expectTypeOf<Awaited<ReturnType<Client['get']>>>().toEqualTypeOf<Run>()
  expectTypeOf<ReturnType<Client['stream']>>().toExtend<AsyncIterable<RunEvent>>()
  // What starts a run on the server starts it here.
  expectTypeOf<Parameters<Server['create']>[0]>().toExtend<Parameters<Client['create']>[0]>()

  expectTypeOf<Awaited<ReturnType<Client['continue']>>>().toEqualTypeOf<Awaited<ReturnType<Server['continue']>>>()
  expectTypeOf<Client['continueInBackground']>().returns.toEqualTypeOf<ReturnType<Server['continueInBackground']>>()
  expectTypeOf<ReturnType<Client['continueStream']>>().toExtend<AsyncIterable<RunEvent>>()
  expectTypeOf<Client['checkpoints']>().returns.toEqualTypeOf<ReturnType<Server['checkpoints']>>()
  expectTypeOf<Client['checkpoint']>().returns.toEqualTypeOf<ReturnType<Server['checkpoint']>>()
  // What moves a run on there does so here, at its place.
  type Continue = NonNullable<Parameters<Server['continue']>[1]> & { agentId: string }
  expectTypeOf<Continue>().toExtend<Parameters<Client['continue']>[1]>()
  // A requirement can be sent back as it came, with a decision.
  expectTypeOf<NonNullable<Run['requirements']>[number]>().toExtend<
    NonNullable<Parameters<Client['continue']>[1]['requirements']>[number]
  >()

  type Approvals = AgentOS['approvals']
  type ClientApprovals = AgentOSClient['approvals']
  expectTypeOf<ClientApprovals['list']>().returns.resolves.toEqualTypeOf<Page<Approval>>()
  expectTypeOf<ClientApprovals['count']>().returns.toEqualTypeOf<ReturnType<Approvals['count']>>()
  expectTypeOf<ClientApprovals['status']>().returns.toEqualTypeOf<ReturnType<Approvals['status']>>()
  expectTypeOf<ClientApprovals['resolve']>().returns.toEqualTypeOf<ReturnType<Approvals['resolve']>>()
  expectTypeOf<Parameters<Approvals['resolve']>[1]>().toExtend<Parameters<ClientApprovals['resolve']>[1]>()

  type Accounts = AgentOS['serviceAccounts']
  type ClientAccounts = AgentOSClient['serviceAccounts']
  expectTypeOf<ClientAccounts['mint']>().returns.toEqualTypeOf<ReturnType<Accounts['mint']>>()
  expectTypeOf<Parameters<Accounts['mint']>[0]>().toEqualTypeOf<Parameters<ClientAccounts['mint']>[0]>()
  expectTypeOf<ClientAccounts['list']>().returns.toEqualTypeOf<ReturnType<Accounts['list']>>()
  expectTypeOf<ClientAccounts['revoke']>().returns.toEqualTypeOf<ReturnType<Accounts['revoke']>>()

  expectTypeOf<AgentOSClient['sessions']['fork']>().returns.toEqualTypeOf<ReturnType<AgentOS['sessions']['fork']>>()
  expectTypeOf<AgentOSClient['sessions']['list']>().returns.resolves.toEqualTypeOf<Page<SessionListItem>>()
  expectTypeOf<AgentOSClient['sessions']['get']>().returns.resolves.toEqualTypeOf<SessionDetail>()
})
