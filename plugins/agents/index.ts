/** Agents: who is there, and the names under which the programs of this machine write. */
import { definePlugin, type Pact } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { store } from '../store/service.ts'
import './errors.ts'
import { Labels } from './labels.ts'
import { addAgent, listAgents, revokeAgent } from './operations.ts'
import { PactPresence } from './presence.ts'
import { Roster } from './roster.ts'
import { roster } from './roster-service.ts'
import { presence } from './service.ts'

export default definePlugin({
  name: 'agents',
  version: '0.1.0',
  api: 1,
  summary: 'Shows who is online, and gives several programs of one machine their own names',
  requires: [access, store],
  provides: [presence, roster],
  contributes: [listAgents, addAgent, revokeAgent],
  setup(ctx) {
    const { identity } = ctx.kernel
    const labels = new Labels(ctx.use(store))
    const own = new Roster(identity, labels, ctx.log)
    const present = new Map<string, PactPresence>()
    ctx.provide(presence, { sighting: (pact, agent) => present.get(pact.id)?.sighting(agent) ?? null })
    ctx.provide(roster, {
      labels,
      changed: async (pact: Pact) => {
        await own.changed(pact)
        present.get(pact.id)?.announce()
      },
    })
    ctx.tap('pact.opened', pact => {
      present.set(pact.id, new PactPresence(pact, identity))
      own.nudge(pact)
    })
    ctx.tap('entry.applied', pact => own.nudge(pact))
    ctx.tap('pact.closed', async pact => {
      present.get(pact.id)?.close()
      present.delete(pact.id)
      await own.forget(pact)
    })
  },
})
