/** Who wrote: writers and agents as small numbers, and the handles that agents are shown by. */
import type { LedgerAgent, LogRecord, Pact } from '../../kernel/index.ts'
import type { Database } from '../store/sqlite.ts'
import { lanes, positionOf, rowKey } from './rows.ts'

export interface AgentInfo {
  no: number
  /** Hex. */
  key: string
  /** `<name>-<6 hex>` */
  handle: string
  /** Hex, or null while the ledger does not say whose agent it is. */
  identity: string | null
}

/** Accepted entries of these types give agents their names. */
const naming = new Set(['pact.charter', 'member.add', 'agent.add'])

const CACHED = 10_000
/** How long a name is waited for, and how long none is asked for after one did not come. */
const PATIENCE_MS = 300
const SILENCE_MS = 5000
/** How long it is waited for when nothing stands still meanwhile. */
const LONG_PATIENCE_MS = 30_000

export class People {
  readonly #db: Database
  readonly #writers = new Map<string, number>()
  readonly #prefixes = new Map<number, string>()
  readonly #withPrefix = new Map<string, number[]>()
  readonly #agents = new Map<string, AgentInfo>()
  readonly #byNumber = new Map<number, AgentInfo>()
  /** Pact ids → until when their ledgers are not asked. */
  readonly #silent = new Map<string, number>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Number of a writer, given one now if it has none. Call inside a transaction only. */
  writer(pactNo: number, key: Buffer): number {
    const hex = key.toString('hex')
    const cached = this.#writers.get(`${pactNo}/${hex}`)
    if (cached !== undefined) return cached
    const row = this.#db.prepare('SELECT no FROM writers WHERE pact = ? AND key = ?').get(pactNo, key)
    const no = row
      ? Number(row.no)
      : Number(
          this.#db.prepare('INSERT INTO writers(pact, key, prefix) VALUES (?, ?, ?)').run(pactNo, key, hex.slice(0, 8))
            .lastInsertRowid,
        )
    this.#writers.set(`${pactNo}/${hex}`, no)
    this.#withPrefix.delete(`${pactNo}/${hex.slice(0, 8)}`)
    return no
  }

  /** Numbers of the writers whose ids begin with `prefix`: one, as admission refuses a prefix that is taken. */
  writersWith(pactNo: number, prefix: string): number[] {
    const cached = this.#withPrefix.get(`${pactNo}/${prefix}`)
    if (cached) return cached
    const rows = this.#db.prepare('SELECT no FROM writers WHERE pact = ? AND prefix = ?').all(pactNo, prefix)
    const found = rows.map(row => Number(row.no))
    // What nobody wrote under is not kept: anything can be asked for.
    if (found.length > 0) this.#withPrefix.set(`${pactNo}/${prefix}`, found)
    return found
  }

  writerPrefix(no: number): string {
    let prefix = this.#prefixes.get(no)
    if (prefix === undefined) {
      prefix = String(this.#db.prepare('SELECT prefix FROM writers WHERE no = ?').get(no)?.prefix ?? '')
      this.#prefixes.set(no, prefix)
    }
    return prefix
  }

  /** The agent with a key, or null when no row of this pact names it. */
  find(pactNo: number, key: string): AgentInfo | null {
    const cached = this.#agents.get(`${pactNo}/${key}`)
    if (cached) return cached
    const row = this.#db
      .prepare('SELECT no, name, identity FROM agents WHERE pact = ? AND key = ?')
      .get(pactNo, Buffer.from(key, 'hex'))
    return row
      ? this.#keep(pactNo, Number(row.no), key, row.name as string | null, row.identity as string | null)
      : null
  }

  /** The agent that a key (64 hex) or a handle stands for. */
  named(pactNo: number, name: string): AgentInfo | null {
    if (/^[0-9a-f]{64}$/.test(name)) return this.find(pactNo, name)
    const short = /-([0-9a-f]{6})$/.exec(name)?.[1]
    if (!short) return null
    const rows = this.#db
      .prepare('SELECT no FROM agents WHERE pact = ? AND key >= ? AND key <= ?')
      .all(pactNo, Buffer.from(short.padEnd(64, '0'), 'hex'), Buffer.from(short.padEnd(64, 'f'), 'hex'))
    return rows.map(row => this.byNumber(Number(row.no))).find(agent => agent?.handle === name) ?? null
  }

  /** The agent with a number. */
  byNumber(no: number): AgentInfo | null {
    const cached = this.#byNumber.get(no)
    if (cached) return cached
    const row = this.#db.prepare('SELECT pact, key, name, identity FROM agents WHERE no = ?').get(no)
    if (!row) return null
    const key = Buffer.from(row.key as Uint8Array).toString('hex')
    return this.#keep(Number(row.pact), no, key, row.name as string | null, row.identity as string | null)
  }

  /** Number of an agent, given one now if it has none. Call inside a transaction only. */
  agent(pactNo: number, key: string): number {
    const known = this.find(pactNo, key)
    if (known) return known.no
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO agents(pact, key) VALUES (?, ?)')
      .run(pactNo, Buffer.from(key, 'hex'))
    return this.#keep(pactNo, Number(lastInsertRowid), key, null, null).no
  }

  /**
   * What the ledger says about agents that `records` bring up for the first time or give a name to. Asked before the
   * transaction, because the answer has to be waited for.
   */
  async ask(pact: Pact, pactNo: number, records: readonly LogRecord[]): Promise<LedgerAgent[]> {
    const keys = new Set<string>()
    for (const { entry, verdict } of records) {
      if (!entry) continue
      const key = entry.agent.toString('hex')
      if (!this.find(pactNo, key)?.identity) keys.add(key)
      if (verdict === 'accepted' && naming.has(entry.type)) {
        const named = namedKey(entry.payload)
        if (named) keys.add(named)
      }
    }
    return this.#answers(pact, [...keys])
  }

  /** What the ledger says about agents that it could not name when their entries were indexed. */
  askAgain(pact: Pact, pactNo: number): Promise<LedgerAgent[]> {
    const rows = this.#db
      .prepare('SELECT key FROM agents INDEXED BY agents_unknown WHERE pact = ? AND identity IS NULL LIMIT 256')
      .all(pactNo)
    return this.#answers(
      pact,
      rows.map(({ key }) => Buffer.from(key as Uint8Array).toString('hex')),
    )
  }

  /** The first accepted entry whose author's identity is not known, and the author's key. */
  firstUnnamed(pactNo: number): { position: number; key: string } | null {
    // For each such agent, as there may be many whose entries were all refused.
    const sql = `SELECT key, (SELECT at FROM entries INDEXED BY entries_agent WHERE agent = a.no AND at >= ? AND at < ? ORDER BY at LIMIT 1) AS first
      FROM agents a INDEXED BY agents_unknown WHERE pact = ? AND identity IS NULL AND first IS NOT NULL ORDER BY first LIMIT 1`
    const range = [rowKey(pactNo, lanes.accepted, 0), rowKey(pactNo, lanes.refused, 0)] as const
    const row = this.#db.prepare(sql).get(...range, pactNo)
    return row
      ? { position: positionOf(Number(row.first)), key: Buffer.from(row.key as Uint8Array).toString('hex') }
      : null
  }

  /** What the ledger says about an agent, or null when it does not know it or cannot say within half a minute. */
  askLong(pact: Pact, key: string): Promise<LedgerAgent | null> {
    return this.#soon(pact, pact.agentByKey(key), LONG_PATIENCE_MS)
  }

  /** What the ledger says about all agents, or nothing when it cannot say now. */
  async askAll(pact: Pact): Promise<LedgerAgent[]> {
    return (await this.#soon(pact, pact.agents())) ?? []
  }

  async #answers(pact: Pact, keys: string[]): Promise<LedgerAgent[]> {
    if (keys.length === 0 || (this.#silent.get(pact.id) ?? 0) > Date.now()) return []
    const answers = await Promise.all(keys.map(key => this.#soon(pact, pact.agentByKey(key))))
    return answers.filter(answer => answer !== null)
  }

  /**
   * An answer, or null when it does not come soon: after a fast-forward the state may not be on this machine, and a name is not worth
   * holding the index back for. The pact is then left in peace for a while.
   */
  async #soon<T>(pact: Pact, answer: Promise<T>, ms = PATIENCE_MS): Promise<T | null> {
    const late = Symbol('late')
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<typeof late>(resolve => {
      timer = setTimeout(resolve, ms, late).unref()
    })
    const first = await Promise.race([answer.catch(() => late), patience])
    clearTimeout(timer)
    if (first !== late) return first as T
    this.#silent.set(pact.id, Date.now() + SILENCE_MS)
    return null
  }

  /** Stores what the ledger said. Call inside a transaction only. */
  learn(pactNo: number, agents: readonly LedgerAgent[]): void {
    for (const { key, name, identity } of agents) {
      const no = this.agent(pactNo, key)
      this.#db.prepare('UPDATE agents SET name = ?, identity = ? WHERE no = ?').run(name, identity, no)
      this.#keep(pactNo, no, key, name, identity)
    }
  }

  /** Whether what is undone may have given agents their names: then they are all asked for again. */
  static names(type: string): boolean {
    return naming.has(type)
  }

  /** Forgets what was learnt in a transaction that failed. */
  forget(): void {
    this.#writers.clear()
    this.#prefixes.clear()
    this.#withPrefix.clear()
    this.#agents.clear()
    this.#byNumber.clear()
  }

  #keep(pactNo: number, no: number, key: string, name: string | null, identity: string | null): AgentInfo {
    if (this.#agents.size >= CACHED) this.forget()
    const info = { no, key, identity, handle: `${name ?? 'unknown'}-${key.slice(0, 6)}` }
    this.#agents.set(`${pactNo}/${key}`, info)
    this.#byNumber.set(no, info)
    return info
  }
}

/** The key of the agent that a naming entry's payload is about. Its shape was judged by the kernel; its bytes are foreign still. */
function namedKey(payload: Buffer): string | null {
  try {
    const value = JSON.parse(payload.toString('utf8')) as { key?: unknown; agent?: { key?: unknown } }
    const key = value.agent?.key ?? value.key
    return typeof key === 'string' && /^[0-9a-f]{64}$/.test(key) ? key : null
  } catch {
    return null
  }
}
