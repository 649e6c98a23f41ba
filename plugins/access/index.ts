/** Tokens: who a caller is and what it may do. */
import { join } from 'node:path'
import { definePlugin } from '../../kernel/index.ts'
import { store } from '../store/service.ts'
import './errors.ts'
import { issueToken, listTokens, revokeToken, rotateToken } from './operations.ts'
import { access } from './service.ts'
import { migrations, Tokens } from './tokens.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/access`).
export * from './service.ts'

export default definePlugin({
  name: 'access',
  version: '0.1.0',
  api: 1,
  summary: 'Tokens for local callers, with limits and lifetimes',
  requires: [store],
  provides: [access],
  contributes: [listTokens, issueToken, revokeToken, rotateToken],
  setup(ctx) {
    const storage = ctx.use(store)
    storage.migrate(ctx.plugin, migrations)
    ctx.provide(access, new Tokens(storage, ctx.kernel.identity, join(ctx.kernel.dataDir, 'token')))
  },
})
