import { z } from 'zod'
import { PageMeta } from '../core/page.js'
import {
  MintedServiceAccount,
  MintServiceAccount,
  SERVICE_ACCOUNT_SORT_KEYS,
  ServiceAccount,
} from '../service-accounts/service-account.js'
import { sortKey, sortOrder } from './coded-query.js'
import { pageQuery, pageWindow } from './pagination.js'
import { queryBoolean } from './query.js'
import { reply } from './reply.js'
import { mintedExample, mintExample, serviceAccountListExample } from './service-account-examples.js'
import { route } from './services.js'

const tags = ['Service accounts']
const errors = { 503: ['DATABASE_UNAVAILABLE', 'SHUTTING_DOWN'] }

const listServiceAccounts = route({
  method: 'get',
  path: '/service-accounts',
  operationId: 'list_service_accounts',
  summary: 'List service accounts',
  description:
    'Newest first, unless asked for in another order; what has no value to sort by comes last. Never with tokens. ' +
    'Callers that see their own rows only see the accounts that they have minted.',
  tags,
  scope: 'service_accounts:read',
  query: z.strictObject({
    includeRevoked: queryBoolean(true),
    sortBy: sortKey(SERVICE_ACCOUNT_SORT_KEYS).default('created_at'),
    sortOrder: sortOrder().default('desc'),
    ...pageQuery(),
  }),
  response: { 200: z.object({ data: z.array(ServiceAccount), meta: PageMeta }).meta({ id: 'ServiceAccountPage' }) },
  errors: { ...errors, 422: ['INVALID_SORT'] },
  examples: { response: serviceAccountListExample },
  handler: ({ os, query }) => {
    if (query.cursor === undefined) pageWindow(query)
    return os.serviceAccounts.list(query)
  },
})

const createServiceAccount = route({
  method: 'post',
  path: '/service-accounts',
  operationId: 'create_service_account',
  summary: 'Mint the token of a service account',
  description:
    'The token is in this answer and nowhere else. It can do no more than the caller; the default scopes are checked ' +
    'too. Anonymous callers get 401, also where authentication is off: the token would outlive that.',
  tags,
  scope: 'service_accounts:write',
  body: MintServiceAccount,
  response: { 201: MintedServiceAccount },
  errors: {
    ...errors,
    403: ['SCOPE_NOT_HELD'],
    409: ['SERVICE_ACCOUNT_EXISTS', 'SERVICE_ACCOUNT_NAME_TAKEN'],
    422: ['INVALID_SCOPE', 'PRIVILEGED_SCOPE'],
  },
  examples: { request: mintExample, response: mintedExample },
  handler: async ({ os, body }) =>
    reply(201, await os.serviceAccounts.mint(body), { headers: { 'Cache-Control': 'no-store' } }),
})

const deleteServiceAccount = route({
  method: 'delete',
  path: '/service-accounts/{service_account_id}',
  operationId: 'delete_service_account',
  summary: 'Revoke a service account',
  description: 'Its token ends; the record stays. Doing it again changes nothing.',
  tags,
  scope: 'service_accounts:delete',
  params: z.object({ serviceAccountId: z.string() }),
  response: { 204: null },
  errors: { ...errors, 404: ['SERVICE_ACCOUNT_NOT_FOUND'] },
  handler: ({ os, params }) => os.serviceAccounts.revoke(params.serviceAccountId),
})

export const serviceAccountRoutes = [listServiceAccounts, createServiceAccount, deleteServiceAccount]
