/**
 * How plugins report how they are doing: contribute `health({ name, findings, metrics })`. `openpact status`, `openpact doctor`,
 * `GET /v1/health` and `GET /v1/metrics` show it (plugin `health`). The point is opened here, where every plugin with operations can
 * contribute, whether or not somebody asks.
 */
import { contribute, extensionPoint, type Kernel } from '../../kernel/index.ts'

/** One line in plain words. It never holds text of an entry. */
export interface Finding {
  /** `advice`: nothing is broken, but there is something to know or do. `fault`: something does not work. */
  level: 'ok' | 'advice' | 'fault'
  /** What it is about, e.g. `Webhooks` or `Pact team`. */
  about: string
  /** How it stands, and for advice and faults what to do. */
  words: string
}

/** A number at this moment, for `GET /v1/metrics`. */
export interface Metric {
  /** Snake case with its unit, e.g. `webhooks_waiting`; shown as `openpact_webhooks_waiting`. One name has one `help` and the same labels. */
  name: string
  help: string
  value: number
  /** From small sets only (names of consumers, states): each combination is kept by whoever collects. Never text from entries. */
  labels?: Record<string, string>
}

/** Asked at every look, so both answer from memory within some ms. What throws shows as a fault of the plugin. `kernel.use` finds services. */
export interface HealthReporter {
  /** Unique; the plugin's name if it has one reporter. */
  name: string
  findings?(kernel: Kernel): Finding[] | Promise<Finding[]>
  metrics?(kernel: Kernel): Metric[] | Promise<Metric[]>
}

export const healthPoint = extensionPoint<HealthReporter>('operations.health', reporter => reporter.name)

export function health(reporter: HealthReporter) {
  return contribute(healthPoint, reporter)
}
