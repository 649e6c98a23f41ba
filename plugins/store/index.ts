/** Keeps `local.db`: the one database of what this machine must remember and cannot derive. */
import { definePlugin } from '../../kernel/index.ts'
import { LocalStore } from './local.ts'
import { store } from './service.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/store`).
export * from './service.ts'
export * from './sqlite.ts'

export default definePlugin({
  name: 'store',
  version: '0.1.0',
  api: 1,
  summary: 'Local data that cannot be derived from the ledger',
  provides: [store],
  setup(ctx) {
    const local = new LocalStore(ctx.kernel.dataDir)
    ctx.onClose(() => local.close())
    ctx.provide(store, local)
  },
})
