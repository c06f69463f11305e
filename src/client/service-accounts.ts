import type { Page } from '../core/page.js'
import type {
  ListServiceAccounts,
  MintedServiceAccount,
  MintServiceAccount,
  ServiceAccount,
} from '../service-accounts/service-account.js'
import type { RequestOptions } from './options.js'
import type { Transport } from './transport.js'

/** Service accounts, as `agentOS.serviceAccounts` on the server has them. */
export class ServiceAccountsClient {
  constructor(private readonly transport: Transport) {}

  /** Newest first unless asked for in another order, a page at a time; never with tokens. */
  async list({ signal, ...query }: ListServiceAccounts & RequestOptions = {}): Promise<Page<ServiceAccount>> {
    const call = { params: {}, query, signal }
    return (await this.transport.call('list_service_accounts', call)).value as Page<ServiceAccount>
  }

  /**
   * Makes an account and its token. Keep the token: nobody can tell it again.
   *
   * @example
   * ```ts
   * const { token } = await client.serviceAccounts.mint({ name: 'nightly-report', scopes: ['agents:support:run'] })
   * ```
   */
  async mint(input: MintServiceAccount, { signal }: RequestOptions = {}): Promise<MintedServiceAccount> {
    const call = { params: {}, body: input, signal }
    return (await this.transport.call('create_service_account', call)).value as MintedServiceAccount
  }

  /** Ends the token of an account. The record stays; doing it again changes nothing. */
  async revoke(serviceAccountId: string, { signal }: RequestOptions = {}): Promise<void> {
    await this.transport.call('delete_service_account', { params: { serviceAccountId }, signal })
  }
}
