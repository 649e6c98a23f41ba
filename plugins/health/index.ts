/** Health: how this machine, its pacts and its plugins are doing, for people and for Prometheus. */
import { definePlugin } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { healthPoint } from '../operations/health.ts'
import { operations } from '../operations/service.ts'
import { readModel } from '../read-model/service.ts'
import { DiskSpace } from './disk.ts'
import './errors.ts'
import type { Metrics } from './metrics.ts'
import { readHealth } from './operations.ts'
import { Report } from './report.ts'
import { metrics } from './routes.ts'
import { health } from './service.ts'

export default definePlugin({
  name: 'health',
  version: '0.1.0',
  api: 1,
  summary: 'Says in plain words how this machine and its pacts are doing, and gives numbers to Prometheus',
  requires: [access, operations, readModel],
  provides: [health],
  contributes: [readHealth, metrics],
  setup(ctx) {
    const { kernel, log } = ctx
    const disk = new DiskSpace(kernel.dataDir)
    const reporters = ctx.contributions(healthPoint).map(({ value }) => value)
    const report = new Report({ kernel, readModel: ctx.use(readModel), disk, reporters, log })
    let collecting: Promise<Metrics> | null = null
    const collect = async () => {
      const { Metrics } = await import('./metrics.ts')
      return new Metrics({ kernel, operations: ctx.use(operations), disk, reporters, log })
    }
    ctx.provide(health, {
      pact: pact => report.pact(pact),
      machine: () => report.machine(),
      metrics: async () => {
        collecting ??= collect()
        return (await collecting).scrape()
      },
    })
    ctx.onClose(async () => (await collecting)?.close())
    ctx.tap('append.authorise', (draft, { pact }) => report.authorise(draft, pact))
    ctx.tap('pact.opened', pact => report.opened(pact))
    ctx.tap('pact.closed', pact => report.closed(pact))
  },
})
