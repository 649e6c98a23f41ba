/** How this machine is doing, for the operations and routes of this plugin. Plugins report through `operations/health.ts`. */
import { type Pact, serviceRef } from '../../kernel/index.ts'
import type { Finding } from '../operations/health.ts'

export interface Health {
  /** One pact in plain words. */
  pact(pact: Pact): Promise<Finding[]>
  /** The machine itself, and what plugins report. */
  machine(): Promise<Finding[]>
  /** Everything in the text format of Prometheus, with its content type. Operations are timed from the first call on. */
  metrics(): Promise<{ text: string; type: string }>
}

export const health = serviceRef<Health>('health', 1)
