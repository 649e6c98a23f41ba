/** Further devices of an identity: how they get in by the identity alone, how they are retired, and seated again after a power loss. */
import { definePlugin, type Pact } from '../../kernel/index.ts'
import { joining } from '../invites/service.ts'
import '../pacts/errors.ts'
import { deviceKind } from './device.ts'
import './errors.ts'
import { linkDevice, listDevices, retireDevice } from './operations.ts'
import { Reseat } from './reseat.ts'
import { rules } from './rules.ts'

export default definePlugin({
  name: 'devices',
  version: '0.1.0',
  api: 1,
  summary: 'Lets further machines of an identity into its pacts, and retires them',
  requires: [joining],
  rules,
  contributes: [linkDevice, listDevices, retireDevice, deviceKind],
  setup(ctx) {
    const reseats = new Map<string, Reseat>()
    const ask = (pact: Pact) => reseats.get(pact.id)?.ask()
    ctx.tap('pact.opened', pact => void reseats.set(pact.id, new Reseat(pact, ctx.log)))
    ctx.tap('entry.confirmed', ask)
    ctx.tap('pact.closed', pact => {
      reseats.get(pact.id)?.close()
      reseats.delete(pact.id)
    })
  },
})
