/** Numbers for Prometheus, in a registry of their own. Loaded at the first call: the library costs 100 ms. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, Histogram, Registry } from 'prom-client'
import type { Kernel, Logger } from '../../kernel/index.ts'
import type { HealthReporter, Metric } from '../operations/health.ts'
import type { Operations } from '../operations/service.ts'
import type { DiskSpace } from './disk.ts'

export interface MetricsParts {
  kernel: Kernel
  operations: Operations
  disk: DiskSpace
  reporters: readonly HealthReporter[]
  log: Logger
}

/** Series that plugins may add to one scrape, all together: a plugin with unbounded labels harms nobody. */
const MAX_REPORTED = 1000
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export class Metrics {
  readonly #parts: MetricsParts
  readonly #registry = new Registry()
  readonly #delay = monitorEventLoopDelay({ resolution: 50 })
  readonly #stop: () => void

  constructor(parts: MetricsParts) {
    this.#parts = parts
    const registers = [this.#registry]
    // Labels are bounded: operations that exist, and kinds of errors.
    const operation = new Histogram({
      name: 'openpact_operation_seconds',
      help: 'Time that operations took, by how they ended',
      labelNames: ['operation', 'outcome'],
      buckets: BUCKETS,
      registers,
    })
    this.#stop = parts.operations.observe((name, ms, error) =>
      operation.observe({ operation: name, outcome: error?.kind ?? 'ok' }, ms / 1000),
    )
    this.#delay.enable()
  }

  async scrape(): Promise<{ text: string; type: string }> {
    const gauges = new Registry()
    for (const [name, metrics] of grouped([...(await this.#own()), ...(await this.#reported())])) {
      const labelNames = Object.keys(metrics[0]?.labels ?? {})
      const gauge = new Gauge({ name, help: metrics[0]?.help ?? '', labelNames, registers: [gauges] })
      for (const { labels = {}, value } of metrics) gauge.set(labels, value)
    }
    const texts = await Promise.all([gauges.metrics(), this.#registry.metrics()])
    return { text: texts.join('\n'), type: this.#registry.contentType }
  }

  close(): void {
    this.#stop()
    this.#delay.disable()
  }

  async #own(): Promise<Metric[]> {
    const { kernel, disk } = this.#parts
    const { used, free } = await disk.space()
    const { connections } = kernel.network.status()
    const lag = this.#delay.percentile(99) / 1e9
    this.#delay.reset()
    const metrics: Metric[] = [
      { name: 'data_bytes', help: 'What the data directory takes on the disk', value: used },
      { name: 'disk_free_bytes', help: 'What is free for it', value: free },
      { name: 'pacts_not_open', help: 'Pacts that are here and cannot be opened', value: kernel.pacts.failed.size },
      { name: 'connections', help: 'Machines that are connected', value: connections },
      { name: 'resident_bytes', help: 'Memory of the daemon', value: process.memoryUsage.rss() },
      { name: 'uptime_seconds', help: 'Since the process began', value: process.uptime() },
      {
        name: 'event_loop_lag_seconds',
        help: '99th percentile since the last scrape',
        value: Number.isFinite(lag) ? lag : 0,
      },
    ]
    for (const pact of kernel.pacts.list()) {
      const labels = { pact: pact.alias }
      const peers = (await pact.status()).peers.filter(({ tunnel }) => tunnel).length
      const { length, confirmed } = pact
      metrics.push(
        { name: 'entries', help: 'Entries in the ledger', labels, value: length },
        {
          name: 'entries_unconfirmed',
          help: 'Entries that may still move',
          labels,
          value: Math.max(0, length - confirmed),
        },
        { name: 'peers', help: 'Machines connected in this pact', labels, value: peers },
      )
    }
    return metrics
  }

  async #reported(): Promise<Metric[]> {
    const { reporters, kernel, log } = this.#parts
    const all: Metric[] = []
    for (const { name, metrics } of reporters) {
      try {
        all.push(...((await metrics?.(kernel)) ?? []))
      } catch (error) {
        log.warn('a plugin gave no metrics', { reporter: name, error })
      }
    }
    return all.slice(0, MAX_REPORTED)
  }
}

/** By full name. What would make the whole text unreadable is left out: names that are none, other labels under the same name. */
function grouped(metrics: readonly Metric[]): Map<string, Metric[]> {
  const groups = new Map<string, Metric[]>()
  for (const metric of metrics) {
    if (!/^[a-z][a-z0-9_]{0,99}$/.test(metric.name) || !Number.isFinite(metric.value)) continue
    const name = `openpact_${metric.name}`
    const group = groups.get(name) ?? []
    if (group.length > 0 && labelsOf(group[0]) !== labelsOf(metric)) continue
    groups.set(name, [...group, metric])
  }
  return groups
}

function labelsOf(metric: Metric | undefined): string {
  return Object.keys(metric?.labels ?? {}).join()
}
