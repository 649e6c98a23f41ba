/** The soak's plugin: its entry types, rules and tables, and taps that feed a `Watch`. */
import { definePlugin, type Plugin, Type } from '../../kernel/index.ts'
import { routePoint } from '../../plugins/http/route.ts'
import { healthPoint } from '../../plugins/operations/health.ts'
import { operationPoint } from '../../plugins/operations/operation.ts'
import { readModel } from '../../plugins/read-model/service.ts'
import { itemTypes } from './items.ts'
import { soakRules } from './rules.ts'
import { slots, tallies } from './tables.ts'
import type { Watch } from './watch.ts'

export function soakPlugin(watch: Watch): Plugin {
  return definePlugin({
    name: 'soak',
    version: '0.0.0',
    api: 1,
    summary: 'entries whose verdicts depend on their order',
    entryTypes: itemTypes.map(name => ({ name, v: 1, summary: name, payload: Type.Object({ u: Type.String() }) })),
    rules: soakRules,
    requires: [readModel],
    contributes: [slots, tallies],
    setup(ctx) {
      ctx.tap('pact.opened', pact => watch.opened(pact))
      ctx.tap('entry.applied', (_pact, records) => watch.applied(records))
      ctx.tap('entry.reverted', (_pact, position) => watch.reverted(position))
      ctx.tap('entry.confirmed', (_pact, length) => watch.confirm(length))
    },
  })
}

/** Takes the operations and routes that others contribute and offers them nowhere: a soak opens no door. */
export const noSurfaces = definePlugin({
  name: 'no-surfaces',
  version: '0.0.0',
  api: 1,
  summary: 'the extension points of operations and http, without a surface',
  points: [operationPoint, healthPoint, routePoint],
})
