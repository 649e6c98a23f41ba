/** Invites: tokens that let others into a pact, the door where they knock, and the joining of other people's pacts. */
import { definePlugin } from '../../kernel/index.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { invite, inviteRevoke } from './entries.ts'
import './errors.ts'
import { inviteKind } from './invite.ts'
import { JoiningService } from './joining.ts'
import { createInvite, listInvites, revokeInvite } from './operations.ts'
import { Porter } from './porter.ts'
import { rules } from './rules.ts'
import { admissionKindPoint, joining } from './service.ts'
import { invitesTable } from './tables.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/invites`).
export * from './service.ts'

export default definePlugin({
  name: 'invites',
  version: '0.1.0',
  api: 1,
  summary: 'Lets others into a pact by a token, and joins theirs',
  requires: [readModel, store],
  provides: [joining],
  entryTypes: [invite, inviteRevoke],
  rules,
  points: [admissionKindPoint],
  contributes: [createInvite, listInvites, revokeInvite, invitesTable, inviteKind],
  setup(ctx) {
    const kinds = ctx.contributions(admissionKindPoint).map(contribution => contribution.value)
    const service = new JoiningService(ctx.kernel, ctx.use(store), kinds, ctx.log)
    const porter = new Porter(ctx.kernel.network, ctx.use(readModel), kinds, ctx.log)
    ctx.provide(joining, service)

    ctx.tap('pact.opened', pact => porter.open(pact))
    ctx.tap('pact.closed', pact => porter.close(pact))
    ctx.tap('entry.applied', pact => porter.recheck(pact))
    ctx.tap('entry.reverted', pact => porter.recheck(pact))
    ctx.tap('entry.confirmed', pact => porter.recheck(pact))
    ctx.tap('kernel.ready', () => service.resume())
    // Whoever knocks or is knocked at must be gone before the network and the stores are.
    ctx.tap('kernel.closing', () => service.close())
    ctx.onClose(() => porter.closeAll())
  },
})
