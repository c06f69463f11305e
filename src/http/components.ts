import { z } from 'zod'
import { AgentDescription, TeamDescription } from '../agents/description.js'
import { WorkflowDescription, WorkflowSummary } from '../agents/workflow-description.js'
import type { ComponentKind } from '../agents/log/source.js'
import { NotFoundError } from '../core/errors.js'
import { componentExamples } from './component-examples.js'
import { namedIn, servedKinds } from './component-kind.js'
import type { ServedKind } from './component-kind.js'
import { sliceQuery } from './pagination.js'
import { queryInt } from './query.js'
import { describeComponent, sliceById, visibleComponents } from './served-components.js'
import { route } from './services.js'
import { sliceReply } from './slice-reply.js'

/** Of a workflow a list shows less than its own route does. */
const listed: Record<ComponentKind, z.ZodType> = {
  agent: AgentDescription,
  team: TeamDescription,
  workflow: WorkflowSummary,
}
const described: Record<ComponentKind, z.ZodType> = {
  agent: AgentDescription,
  team: TeamDescription,
  workflow: WorkflowDescription,
}

/** The routes that list agents, teams and workflows, and tell what one is made of. */
function componentRoutesOf(served: ServedKind) {
  const { kind, plural, article, inPath, notFound, tag } = served
  const list = route({
    method: 'get',
    path: `/${plural}`,
    operationId: `list_${plural}`,
    summary: `List ${plural}`,
    description: 'In the order of registration; those that the caller may read.',
    tags: [tag],
    scope: { scope: `${plural}:read`, list: true },
    query: z.strictObject({ limit: queryInt(1, 1000).optional(), cursor: sliceQuery().cursor }),
    response: { 200: z.array(listed[kind]) },
    examples: { response: [componentExamples[kind].listed] },
    handler: async ({ os: { server }, caller, query }) => {
      const { data, ...rest } = sliceById(await visibleComponents(server, caller, kind, ['read']), query)
      return sliceReply({ ...rest, data: data.map((one) => describeComponent(server, one)) })
    },
  })
  const get = route({
    method: 'get',
    path: `/${plural}/${inPath}`,
    operationId: `get_${kind}`,
    summary: `Get ${article}`,
    tags: [tag],
    scope: { scope: `${plural}:read`, component: served.param },
    params: served.params,
    query: z.object({
      version: queryInt(1, 2 ** 31 - 1)
        .optional()
        .meta({ description: `Of a stored ${kind}; one that is defined in code has no versions.` }),
    }),
    response: { 200: described[kind] },
    errors: { 404: [notFound, 'COMPONENT_VERSION_NOT_FOUND'] },
    examples: { response: componentExamples[kind].described },
    handler: ({ os: { server }, params, query: { version } }) => {
      const component = server.catalog.find(namedIn(served, params))
      if (version !== undefined) throw versionNotFound(kind, component.id, version)
      return describeComponent(server, component)
    },
  })
  return [list, get]
}

function versionNotFound(kind: ComponentKind, id: string, version: number): NotFoundError {
  const name = kind.charAt(0).toUpperCase() + kind.slice(1)
  return new NotFoundError(
    'COMPONENT_VERSION_NOT_FOUND',
    `${name} "${id}" is defined in code and has no version ${version}; leave version out.`,
  )
}

export const componentRoutes = Object.values(servedKinds).flatMap(componentRoutesOf)
