import { expectTypeOf, it } from 'vitest'
import type { AgentOS, Page, Run, RunEvent, SessionDetail, SessionListItem } from 'agentos-sdk'
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

  expectTypeOf<AgentOSClient['sessions']['list']>().returns.resolves.toEqualTypeOf<Page<SessionListItem>>()
  expectTypeOf<AgentOSClient['sessions']['get']>().returns.resolves.toEqualTypeOf<SessionDetail>()
})
