/** What browsers get, and any program that says where the daemon is. */
import { OpenPact } from './client.ts'
import { failure } from './errors.ts'
import type { Operations } from './operations.ts'
import type { OperationTypes } from './types.ts'

export { type CallOptions, type EventOptions, OpenPact, type PactEvent } from './client.ts'
export { type ErrorCode, isOpenPactError, OpenPactError } from './errors.ts'
export type { Operations } from './operations.ts'
export type { ItemOf, OperationsOf, OperationTypes } from './types.ts'

export interface ConnectOptions {
  /** `http://127.0.0.1:<port>` */
  url?: string
  token?: string
  /** Alias or 64-hex id; the active pact if absent. */
  pact?: string
}

/**
 * A client. `Extra` are operations of other plugins, by their types.
 * @throws OpenPactError ADDRESS_NEEDED
 */
export async function connect<Extra extends OperationTypes = Record<never, never>>(
  options: ConnectOptions = {},
): Promise<OpenPact<Operations & Extra>> {
  const { url, token, pact } = options
  if (url === undefined || token === undefined) throw failure('ADDRESS_NEEDED')
  const address = { url: url.replace(/\/+$/, ''), token }
  return OpenPact.at<Operations & Extra>(async () => address, pact)
}
