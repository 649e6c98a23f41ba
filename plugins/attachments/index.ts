/** Attachments: content too large for an entry, beside the entries of a pact. */
import { definePlugin } from '../../kernel/index.ts'
import { onCores } from './attachments.ts'
import { attachments } from './service.ts'

export default definePlugin({
  name: 'attachments',
  version: '0.1.0',
  api: 1,
  summary: 'Content too large for an entry, kept beside the entries and replicated with them',
  provides: [attachments],
  setup(ctx) {
    ctx.provide(attachments, onCores)
  },
})

export * from './service.ts'
