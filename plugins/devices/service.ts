/** How further machines of an identity get in, for plugins that know a pact's key. */
import { doorTopic } from '../../kernel/index.ts'
import { encodeToken } from '../invites/token.ts'

/** First letters of device links. */
export const DEVICE_PREFIX = 'opd1'

/** Tells another machine of the same identity where to knock. */
export function deviceLink(pactKey: Buffer): string {
  return encodeToken(DEVICE_PREFIX, doorTopic(pactKey))
}
