/** Digest: what is new for an agent, each thing once, short enough to be put into a prompt. */
import { definePlugin } from '../../kernel/index.ts'
import { events } from '../events/service.ts'
import { operations } from '../operations/service.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { Memory } from './memory.ts'
import { readDigest } from './operations.ts'
import { memory } from './service.ts'
import { claimsTable } from './tables.ts'

export default definePlugin({
  name: 'digest',
  version: '0.1.0',
  api: 1,
  summary: 'What is new for an agent since it last asked, each thing once and in few words',
  requires: [store, readModel, events, operations],
  provides: [memory],
  contributes: [readDigest, claimsTable],
  setup(ctx) {
    ctx.provide(memory, new Memory(ctx.use(store)))
  },
})
