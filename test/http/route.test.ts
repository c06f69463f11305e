import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { anonymousCaller } from '../../src/core/caller.js'
import { createHttpApp } from '../../src/http/app.js'
import { reply } from '../../src/http/reply.js'
import { routesFor } from '../../src/http/route.js'

interface Services {
  greet(name: string): { greetedName: string; times?: number }
}
const route = routesFor<Services>()
const Greeting = z.object({ greetedName: z.string(), times: z.number().optional() })
const base = {
  method: 'get',
  path: '/greetings/{first_name}',
  operationId: 'greet',
  summary: 'Greet',
  tags: ['Test'],
} as const
const params = z.object({ firstName: z.string() })

describe('route', () => {
  it('infers what a handler gets from the schemas', () => {
    route({
      ...base,
      method: 'post',
      scope: { scope: 'agents:run', component: 'firstName' },
      params,
      query: z.object({ loud: z.boolean().default(false) }),
      body: z.object({ times: z.number() }),
      response: { 200: Greeting, 202: z.object({ accepted: z.boolean() }) },
      handler: (context) => {
        expectTypeOf(context.params).toEqualTypeOf<{ firstName: string }>()
        expectTypeOf(context.query).toEqualTypeOf<{ loud: boolean }>()
        expectTypeOf(context.body).toEqualTypeOf<{ times: number }>()
        expectTypeOf(context.os).toEqualTypeOf<Services>()
        if (context.query.loud) return reply(202, { accepted: true })
        return context.os.greet(context.params.firstName)
      },
    })
    route({
      ...base,
      path: '/greetings',
      scope: 'any',
      response: { 204: null },
      handler: (context) => {
        expectTypeOf(context.params).toEqualTypeOf<undefined>()
        expectTypeOf(context.body).toEqualTypeOf<undefined>()
      },
    })
  })

  it('does not compile without a scope, with one that does not exist, or with a wrong result', () => {
    const handler = () => ({ greetedName: 'Ada' })
    const some = { ...base, params, response: { 200: Greeting } } as const
    const two = { ...base, params, response: { 200: Greeting, 202: z.object({ a: z.string() }) } } as const
    // @ts-expect-error a route says who may call it
    route({ ...some, handler })
    // @ts-expect-error there is no such scope
    route({ ...some, scope: 'agent:run', handler })
    // @ts-expect-error the component is named by a parameter of the path
    route({ ...some, scope: { scope: 'agents:run', component: 'agentId' }, handler })
    // @ts-expect-error the value is not that of the response
    route({ ...some, scope: 'public', handler: () => ({ greeted: 'Ada' }) })
    // @ts-expect-error 202 is not declared
    route({ ...some, scope: 'public', handler: () => reply(202, { greetedName: 'Ada' }) })
    // @ts-expect-error a plain value is that of the first status, not that of 202
    route({ ...two, scope: 'any', handler: () => ({ a: '' }) })
    expect(route({ ...two, scope: 'any', handler: () => reply(202, { a: '' }) }).operationId).toBe('greet')
  })

  it('refuses a path whose parameters are not those of the schema', () => {
    const definition = { ...base, scope: 'any', response: { 204: null }, handler: () => undefined } as const
    expect(() => route(definition)).toThrow('first_name')
    expect(() => route({ ...definition, path: '/greetings', params })).toThrow('first_name')
    expect(() => route({ ...definition, path: '/greetings/' })).toThrow('end')
  })

  it('answers with the encoded value', async () => {
    const app = createHttpApp({
      routes: [
        route({
          ...base,
          scope: 'any',
          params,
          response: { 200: Greeting },
          handler: ({ os, params }) => os.greet(params.firstName),
        }),
      ],
      authenticate: () => anonymousCaller,
      services: () => ({ greet: (name) => ({ greetedName: name }) }),
    })
    const response = await app.fetch(new Request('http://host/greetings/Ada%20L/'))
    expect(await response.json()).toEqual({ greeted_name: 'Ada L' })
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  })
})
