/** Triggers: programs that are started when something happens in a pact, for agents that do not live between sessions. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { definePlugin, Type } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { consumers, events, matcher } from '../events/service.ts'
import { http } from '../http/route.ts'
import { operations } from '../operations/service.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { approveTrigger } from './approving.ts'
import { Claims } from './claims.ts'
import './errors.ts'
import { triggerHealth } from './health.ts'
import { KnownTriggers } from './known.ts'
import {
  listRuns,
  listTriggers,
  pauseTriggers,
  readLog,
  resumeTriggers,
  runTrigger,
  testTriggers,
} from './operations.ts'
import { Runs } from './runs.ts'
import { triggers } from './service.ts'
import { migrations } from './tables.ts'
import { Triggers } from './triggers.ts'

export * from './service.ts'

export default definePlugin({
  name: 'triggers',
  version: '0.1.0',
  api: 1,
  summary: 'Starts programs when something happens in a pact, as triggers.yaml says',
  requires: [store, events, matcher, consumers, operations, readModel, access, http],
  provides: [triggers],
  config: Type.Object({
    grace_ms: Type.Integer({
      minimum: 10,
      maximum: 60_000,
      default: 5000,
      description: 'How long a program has to end after TERM before KILL',
    }),
  }),
  contributes: [
    ...[listTriggers, testTriggers, approveTrigger, runTrigger],
    ...[pauseTriggers, resumeTriggers, readLog, listRuns, triggerHealth],
  ],
  setup(ctx) {
    const { kernel, log } = ctx
    const local = ctx.use(store)
    local.migrate('triggers', migrations)
    const logs = join(kernel.dataDir, 'logs', 'triggers')
    mkdirSync(logs, { recursive: true, mode: 0o700 })
    const all = new Triggers({
      kernel,
      log,
      events: ctx.use(events),
      matcher: ctx.use(matcher),
      consumers: ctx.use(consumers),
      model: ctx.use(readModel),
      access: ctx.use(access),
      claims: new Claims(ctx.use(operations)),
      runs: new Runs(local, logs),
      known: new KnownTriggers(local),
      url: () => ctx.use(http).url,
      logs,
      grace: ctx.config.grace_ms,
    })
    ctx.tap('kernel.ready', () => all.start())
    // While pacts are open: tasks that were claimed are given back.
    ctx.tap('kernel.closing', () => all.close())
    ctx.onClose(() => all.close())
    ctx.provide(triggers, all)
  },
})
