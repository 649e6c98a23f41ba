/** Further devices of an identity: how they get in by the identity alone, and how they are retired. */
import { definePlugin } from '../../kernel/index.ts'
import { joining } from '../invites/service.ts'
import '../pacts/errors.ts'
import { deviceKind } from './device.ts'
import './errors.ts'
import { linkDevice, listDevices, retireDevice } from './operations.ts'
import { rules } from './rules.ts'

export default definePlugin({
  name: 'devices',
  version: '0.1.0',
  api: 1,
  summary: 'Lets further machines of an identity into its pacts, and retires them',
  requires: [joining],
  rules,
  contributes: [linkDevice, listDevices, retireDevice, deviceKind],
})
