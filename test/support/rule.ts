/** A plugin's rule over a state in memory: judges entries as `apply` would, without a ledger. */
import type { RuleContext, RuledEntry, Rules, WritableRuleState } from '../../kernel/rules.ts'

/** Hex key made of one letter, for agents and identities that a test can tell apart. */
export const keyOf = (letter: string) => letter.repeat(64)

export class RuleWorld<Settings> {
  /** Key → JSON. */
  readonly state = new Map<string, string>()
  /** Ledger time, ms. */
  time = 1_000_000
  /** The clock of whoever writes, ms. */
  clock = this.time
  settings: unknown
  /** Agent → identity, both hex; an agent without one is its own. */
  readonly identities: Record<string, string> = {}
  private readonly rules: Rules<Settings>
  private n = 0

  constructor(rules: Rules<Settings>) {
    this.rules = rules
    this.settings = rules.defaults
  }

  /** Id of the entry that was judged last. */
  get last(): string {
    return `0000000a-${this.n}`
  }

  /** Lets the clock and ledger time move on together. */
  wait(ms: number): void {
    this.time += ms
    this.clock = this.time
  }

  /** Judges an entry; an accepted one changes the state. Answers the verdict. */
  async say(type: string, agent: string, payload: unknown, { admin = false, topic = '' } = {}): Promise<string> {
    this.n++
    const entry: RuledEntry = {
      id: this.last,
      type,
      v: 1,
      topic,
      timestamp: this.clock,
      payload,
      refs: [],
      agent,
      identity: this.identities[agent] ?? agent,
      writer: keyOf('9'),
      admin,
    }
    const context = this.context()
    const refusal = await this.rules.validate?.(entry, context)
    if (refusal === undefined) await this.rules.reduce?.(entry, context)
    return refusal ?? 'accepted'
  }

  /** A value of the state, or null. */
  read<T>(key: string): T | null {
    return JSON.parse(this.state.get(key) ?? 'null') as T | null
  }

  private context(): RuleContext<Settings> & { state: WritableRuleState } {
    return {
      settings: this.settings as Settings,
      time: this.time,
      door: new Uint8Array(32),
      invites: 'admin',
      seated: async () => true,
      state: {
        get: async <T>(key: string) => this.read<T>(key),
        put: async (key, value) => void this.state.set(key, JSON.stringify(value)),
        delete: async key => void this.state.delete(key),
      },
    }
  }
}
