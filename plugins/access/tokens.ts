/** All tokens of this machine. Kept is only the hash of each; the main token alone stands in a file. */
import { hash as hashOf, timingSafeEqual } from 'node:crypto'
import { type Identity, OpenPactError } from '../../kernel/index.ts'
import { ownAgentNamed } from '../operations/named-agent.ts'
import type { Caller, Cause } from '../operations/operation.ts'
import type { Store } from '../store/service.ts'
import type { Value } from '../store/sqlite.ts'
import { Endings } from './endings.ts'
import type { Access, IssueOptions, TokenInfo } from './service.ts'
import { newToken, readOrMakeToken, writeToken } from './token-file.ts'

export const migrations = [
  `CREATE TABLE access_tokens (
    hash BLOB PRIMARY KEY, agent TEXT NOT NULL, agent_key BLOB NOT NULL, pacts TEXT, operations TEXT,
    access TEXT NOT NULL, expires INTEGER, created INTEGER NOT NULL
  ) WITHOUT ROWID`,
] as const

interface Token {
  hash: Buffer
  /** The agent's key when the token was made: a later agent of the same name is another one. */
  agentKey: Buffer
  info: TokenInfo
  /** One object per token: the rate limiter knows a token by it. */
  caller: Caller
}

export class Tokens implements Access {
  readonly #store: Store
  readonly #identity: Identity
  readonly #file: string
  readonly #clock: () => number
  readonly #byHash = new Map<string, Token>()
  /** Those that ended as well, as long as somebody holds their caller. */
  readonly #byCaller = new WeakMap<Caller, Token>()
  readonly #endings: Endings
  #main: Token

  /** @throws OpenPactError TOKEN_FILE_UNUSABLE */
  constructor(store: Store, identity: Identity, file: string, clock: () => number = Date.now) {
    this.#store = store
    this.#identity = identity
    this.#file = file
    this.#clock = clock
    this.#endings = new Endings(clock)
    store.db.prepare('DELETE FROM access_tokens WHERE expires IS NOT NULL AND expires <= ?').run(clock())
    for (const row of store.db.prepare('SELECT * FROM access_tokens').all()) this.#add(fromRow(row))
    this.#main = this.#add(this.#mainToken(readOrMakeToken(file)))
  }

  identify(text: string): Caller | null {
    const hash = digest(text)
    const token = this.#byHash.get(hash.toString('hex'))
    if (!token || !timingSafeEqual(token.hash, hash)) return null
    return this.#lives(token) ? token.caller : null
  }

  async issue(options: IssueOptions): Promise<{ token: string; info: TokenInfo }> {
    const { pacts = null, operations = null, access = 'admin', lifetime, cause } = options
    const agent = ownAgentNamed(this.#identity, options.agent)
    const now = this.#clock()
    this.#dropExpired(now)
    let text = newToken()
    while (this.#find(idOf(digest(text)))) text = newToken()
    const hash = digest(text)
    const expires = lifetime === undefined ? null : now + lifetime
    const info = { id: idOf(hash), agent: agent.name, pacts, operations, access, expires, created: now, main: false }
    if (!cause) {
      this.#store.db
        .prepare('INSERT INTO access_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
        .run(hash, agent.name, agent.key, list(pacts), list(operations), access, expires, now)
    }
    this.#add(made(hash, agent.key, info, cause))
    return { token: text, info }
  }

  async revoke(id: string): Promise<boolean> {
    const token = this.#find(id)
    if (!token) return false
    if (token === this.#main) throw new OpenPactError('TOKEN_IS_MAIN', { id })
    this.#drop(token)
    return true
  }

  async rotate(): Promise<string> {
    const text = writeToken(this.#file, newToken())
    const old = this.#main
    this.#main = this.#add(this.#mainToken(text))
    this.#end(old)
    return text
  }

  list(): TokenInfo[] {
    this.#dropExpired(this.#clock())
    return [...this.#byHash.values()].map(({ info }) => info).sort((a, b) => a.created - b.created)
  }

  onEnd(caller: Caller, fn: () => void): () => void {
    const token = this.#byCaller.get(caller)
    if (!token) return () => {}
    if (this.#lives(token)) return this.#endings.add(caller, token.info.expires, fn)
    fn()
    return () => {}
  }

  #lives({ hash, agentKey, info: { expires, agent } }: Token): boolean {
    if (!this.#byHash.has(hash.toString('hex'))) return false
    if (expires !== null && expires <= this.#clock()) return false
    return this.#identity.agent(agent)?.key.equals(agentKey) === true
  }

  #mainToken(text: string): Token {
    const { name, key } = this.#identity.defaultAgent
    const hash = digest(text)
    const limits = { pacts: null, operations: null, access: 'admin', expires: null } as const
    return made(hash, key, { id: idOf(hash), agent: name, ...limits, created: this.#clock(), main: true })
  }

  #find(id: string): Token | undefined {
    for (const token of this.#byHash.values()) if (token.info.id === id) return token
    return undefined
  }

  #add(token: Token): Token {
    this.#byHash.set(token.hash.toString('hex'), token)
    this.#byCaller.set(token.caller, token)
    return token
  }

  #drop(token: Token): void {
    this.#store.db.prepare('DELETE FROM access_tokens WHERE hash = ?').run(token.hash)
    this.#end(token)
  }

  #end(token: Token): void {
    this.#byHash.delete(token.hash.toString('hex'))
    this.#endings.ended(token.caller)
  }

  #dropExpired(now: number): void {
    for (const token of this.#byHash.values()) {
      if (token.info.expires !== null && token.info.expires <= now) this.#drop(token)
    }
  }
}

function digest(text: string): Buffer {
  return hashOf('sha256', text, 'buffer')
}

function idOf(hash: Buffer): string {
  return hash.toString('hex', 0, 4)
}

function made(hash: Buffer, agentKey: Buffer, info: TokenInfo, cause?: Cause): Token {
  const { agent, pacts, operations, access } = info
  return { hash, agentKey, info, caller: Object.freeze({ agent, pacts, operations, access, ...(cause && { cause }) }) }
}

function fromRow(row: Record<string, Value>): Token {
  const hash = Buffer.from(row.hash as Uint8Array)
  return made(hash, Buffer.from(row.agent_key as Uint8Array), {
    id: idOf(hash),
    agent: String(row.agent),
    pacts: unlist(row.pacts),
    operations: unlist(row.operations),
    access: row.access as TokenInfo['access'],
    expires: row.expires === null ? null : Number(row.expires),
    created: Number(row.created),
    main: false,
  })
}

function list(names: readonly string[] | null): string | null {
  return names && JSON.stringify(names)
}

function unlist(text: Value | undefined): string[] | null {
  return typeof text === 'string' ? (JSON.parse(text) as string[]) : null
}
