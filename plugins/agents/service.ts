/** Who of a pact is there right now. Kept in memory: presence is never an entry. */
import { type Pact, serviceRef } from '../../kernel/index.ts'

export interface Sighting {
  /** Noise key (hex) of the machine that serves the agent. */
  device: string
  online: boolean
  /** ms since 1970 */
  last_seen: number
}

export interface Presence {
  /** Where an agent (hex keys) was last seen, or null when it was not since the daemon started. */
  sighting(pact: Pact, agent: { key: string; identity: string }): Sighting | null
}

export const presence = serviceRef<Presence>('presence', 1)
