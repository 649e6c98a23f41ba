/** What Node gets: the same, and the daemon of this machine is found without being told where it is. */
import { connect as connectTo, type ConnectOptions as Options } from './browser.ts'
import { OpenPact } from './client.ts'
import { daemonUrl, dataDirOf, localDaemon } from './local.ts'
import type { Operations } from './operations.ts'
import type { OperationTypes } from './types.ts'

export {
  type CallOptions,
  type ErrorCode,
  type EventOptions,
  type ItemOf,
  isOpenPactError,
  OpenPact,
  OpenPactError,
  type Operations,
  type OperationsOf,
  type OperationTypes,
  type PactEvent,
} from './browser.ts'

export interface ConnectOptions extends Options {
  /** The daemon's data directory; OPENPACT_HOME or `~/.openpact` if absent. Not looked at when `url` and `token` are given. */
  dataDir?: string
}

/**
 * A client of the daemon of this machine, or of the one that `url` names. Nothing is sent yet: a daemon that is down shows at the first call.
 * `Extra` are operations of other plugins, by their types.
 * @throws OpenPactError HOME_UNKNOWN
 */
export async function connect<Extra extends OperationTypes = Record<never, never>>(
  options: ConnectOptions = {},
): Promise<OpenPact<Operations & Extra>> {
  const { url, token, pact = process.env.OPENPACT_PACT || undefined } = options
  if (url !== undefined && token !== undefined) return connectTo<Extra>({ ...options, pact })
  const dataDir = dataDirOf(options.dataDir)
  return OpenPact.at<Operations & Extra>(async () => {
    if (token !== undefined) return { url: await daemonUrl(dataDir), token }
    const found = await localDaemon(dataDir)
    return url === undefined ? found : { ...found, url }
  }, pact)
}
