/**
 * Sees to it that every agent of this machine is registered in every pact it may write to: those that existed before a pact was
 * joined, and those made while a pact could not be written.
 */
import {
  ACCEPTED,
  agentData,
  doorTopic,
  type Identity,
  type Logger,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import type { Labels } from './labels.ts'

export class Roster {
  private readonly identity: Identity
  private readonly labels: Labels
  private readonly log: Logger
  /** Pacts where nothing is left to do. */
  private readonly settled = new Set<string>()
  private readonly running = new Map<string, Promise<void>>()

  constructor(identity: Identity, labels: Labels, log: Logger) {
    this.identity = identity
    this.labels = labels
    this.log = log
  }

  /** Something happened in a pact: what could not be done before may be possible now. Never waits: an append may wait for its caller. */
  nudge(pact: Pact): void {
    if (this.settled.has(pact.id) || this.running.has(pact.id) || pact.closed) return
    const run = this.register(pact)
      .catch(error => this.log.debug('agents are not registered yet', { pact: pact.alias, reason: String(error) }))
      .finally(() => this.running.delete(pact.id))
    this.running.set(pact.id, run)
  }

  /** The agents of this machine changed. Resolves when they are registered, or it was found that they cannot be now. */
  async changed(pact: Pact): Promise<void> {
    await this.running.get(pact.id)
    this.settled.delete(pact.id)
    this.nudge(pact)
    await this.running.get(pact.id)
  }

  /** A pact closes. */
  async forget(pact: Pact): Promise<void> {
    this.settled.delete(pact.id)
    await this.running.get(pact.id)
  }

  private async register(pact: Pact): Promise<void> {
    // Out of the hook that called: appending from inside would wait for itself.
    await new Promise(setImmediate)
    const missing = []
    for (const agent of this.identity.agents())
      if (!(await pact.agentByKey(agent.key.toString('hex')))) missing.push(agent)
    if (missing.length > 0) {
      const door = doorTopic(pact.key)
      const receipts = await pact.append(
        missing.map(({ key, name }) => {
          const proof = this.identity.attestAgent(name, agentData(door, key)).toString('hex')
          const label = this.labels.of(name)
          return { type: 'agent.add', payload: { key: key.toString('hex'), name, proof, ...(label && { label }) } }
        }),
      )
      const refused = receipts.find(receipt => receipt.verdict !== ACCEPTED)
      if (refused) throw new OpenPactError('ENTRY_REFUSED', { verdict: refused.verdict })
    }
    this.settled.add(pact.id)
  }
}
