/** Backup, restore and refounding: what is left when a machine is lost. */
import { definePlugin, Type } from '../../kernel/index.ts'
import { attachments } from '../attachments/service.ts'
import { deviceLink } from '../devices/service.ts'
import { joining } from '../invites/service.ts'
import { health } from '../operations/health.ts'
import { activePact } from '../pacts/service.ts'
import { readModel } from '../read-model/service.ts'
import { store } from '../store/service.ts'
import { ArchivedLogs } from './archived.ts'
import { content } from './entries.ts'
import './errors.ts'
import { createBackup, listArchived, listArchivedEntries, refoundPact } from './operations.ts'
import { Refounding } from './refounding.ts'
import { ScheduledBackup } from './schedule.ts'
import { refounding } from './service.ts'

/** ms: the longest that a timer takes. */
const LONGEST = 2 ** 31 - 1

export default definePlugin({
  name: 'backup',
  version: '0.1.0',
  api: 1,
  summary: 'Encrypted archives of this machine, and carrying on a pact whose indexers are gone',
  requires: [activePact, attachments, joining, readModel, store],
  provides: [refounding],
  config: Type.Object({
    schedule: Type.Optional(
      Type.Object({
        folder: Type.String({ minLength: 1 }),
        every_hours: Type.Number({ exclusiveMinimum: 0, default: 24 }),
        keep: Type.Integer({ minimum: 1, default: 7 }),
        passphrase_file: Type.String({ minLength: 1 }),
      }),
    ),
  }),
  entryTypes: [content],
  contributes: [
    ...[createBackup, listArchived, listArchivedEntries, refoundPact],
    health({ name: 'backup', findings: kernel => kernel.use(refounding).findings() }),
  ],
  setup(ctx) {
    const logs = new ArchivedLogs(ctx.use(store))
    const refounds = new Refounding({
      kernel: ctx.kernel,
      archived: logs,
      readModel: ctx.use(readModel),
      joining: ctx.use(joining),
      active: ctx.use(activePact),
      log: ctx.log,
    })
    ctx.provide(refounding, refounds)
    const { schedule } = ctx.config
    const scheduled = schedule && new ScheduledBackup(schedule, ctx.kernel, ctx.use(store), ctx.log)
    if (scheduled) ctx.onClose(() => scheduled.close())
    const enter = (id: string, alias: string, key: Buffer) =>
      ctx
        .use(joining)
        .join(deviceLink(key), { alias, timeout: LONGEST, signal: ctx.signal })
        .then(() => logs.mark(id, 'joined'))
        .catch(error => ctx.log.warn('not in a restored pact yet', { pact: alias, reason: String(error) }))
    ctx.tap('kernel.ready', () => {
      void scheduled?.look(Date.now())
      void refounds.resume()
      // A restored machine is a new device: any member that is online lets it in, however long that takes.
      for (const { id, alias, key, state } of logs.list()) {
        if (ctx.kernel.pacts.find(id)) logs.mark(id, 'joined')
        else if (state === 'waiting') void enter(id, alias, key)
      }
    })
  },
})
