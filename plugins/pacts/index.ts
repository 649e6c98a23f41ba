/** Pacts: create, join, list, choose, leave; who is in one, how it is doing, what its charter says. */
import { definePlugin } from '../../kernel/index.ts'
import { joining } from '../invites/service.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { StoredActivePact } from './active.ts'
import './errors.ts'
import { amendCharter, disableRules, enableRules, readCharter } from './operations/charter.ts'
import { cancelJoin, joinPact, listJoins } from './operations/join.ts'
import { createPact, leavePact, listPacts, renamePact, switchPact } from './operations/machine.ts'
import { listMembers, removeMember, setIndexers, setRole } from './operations/members.ts'
import { listPlugins, machineStatus, pactInfo, pactStatus } from './operations/status.ts'
import { activePact } from './service.ts'

export default definePlugin({
  name: 'pacts',
  version: '0.1.0',
  api: 1,
  summary: 'Creates, joins, lists and leaves pacts; shows members, status and charter',
  requires: [store, readModel, joining],
  provides: [activePact],
  contributes: [
    ...[listPacts, createPact, joinPact, listJoins, cancelJoin, switchPact, renamePact, leavePact],
    ...[pactInfo, pactStatus, machineStatus, listPlugins],
    ...[listMembers, removeMember, setRole, setIndexers],
    ...[readCharter, amendCharter, enableRules, disableRules],
  ],
  setup(ctx) {
    ctx.provide(activePact, new StoredActivePact(ctx.use(store), ctx.kernel.pacts))
  },
})
