/** Keeps `index.db`: everything that can be asked of a pact, derived from its log and followed as it moves. */
import { definePlugin } from '../../kernel/index.ts'
import { openIndex } from './index-file.ts'
import { Index } from './model.ts'
import { getEntry, listEntries, listReferring } from './operations.ts'
import { readModel } from './service.ts'
import { tablePoint } from './table.ts'
import './errors.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/read-model`).
export * from './service.ts'
export * from './table.ts'

export default definePlugin({
  name: 'read-model',
  version: '0.1.0',
  api: 1,
  summary: 'Indexed reading of entries, and tables of other plugins',
  provides: [readModel],
  points: [tablePoint],
  contributes: [getEntry, listEntries, listReferring],
  setup(ctx) {
    const index = new Index(openIndex(ctx.kernel.dataDir, ctx.log), ctx.kernel, ctx.log)
    ctx.onClose(() => index.close())
    void index.begin(ctx.contributions(tablePoint))
    ctx.tap('pact.opened', pact => index.opened(pact))
    ctx.tap('entry.reverted', (pact, position) => index.reverted(pact, position))
    ctx.tap('entry.applied', (pact, records) => index.applied(pact, records))
    ctx.tap('entry.confirmed', pact => index.confirmed(pact))
    ctx.tap('pact.closed', pact => index.closed(pact))
    ctx.tap('kernel.ready', () => index.forgetGone())
    ctx.provide(readModel, index)
  },
})
