/** Attempts to join: each runs until it is in, refused or cancelled, however many callers wait for it, and survives a restart. */
import { doorTopic, isOpenPactError, type Kernel, type Logger, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { type Attempt, attempt } from './attempt.ts'
import type { AdmissionKind, Joining, JoinOptions, JoinStatus } from './service.ts'
import { decodeToken } from './token.ts'

const DEFAULT_TIMEOUT = 60_000

export const joiningTables = [
  'CREATE TABLE invites_join (ticket TEXT PRIMARY KEY, token TEXT NOT NULL, alias TEXT, started INTEGER NOT NULL) STRICT',
]

export class JoiningService implements Joining {
  private readonly kernel: Kernel
  private readonly store: Store
  private readonly kinds: readonly AdmissionKind[]
  private readonly log: Logger
  private readonly attempts = new Map<string, Attempt>()
  /** Where each of them knocks. */
  private readonly topics = new Map<string, Buffer>()
  private readonly closing = new AbortController()

  constructor(kernel: Kernel, store: Store, kinds: readonly AdmissionKind[], log: Logger) {
    this.kernel = kernel
    this.store = store
    this.kinds = kinds
    this.log = log
    store.migrate('invites', joiningTables)
  }

  async join(token: string, options: JoinOptions = {}): Promise<Pact> {
    const running = this.begin(token, options.alias ?? null, Date.now())
    const timeout = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT)
    const signals = [timeout, ...(options.signal ? [options.signal] : [])]
    const undo = options.onstatus ? running.onstatus(options.onstatus) : undefined
    try {
      return await Promise.race([running.done, aborted(AbortSignal.any(signals))])
    } catch (error) {
      if (isOpenPactError(error)) throw error
      throw new OpenPactError('JOIN_PENDING', { words: running.status.words, ticket: running.status.ticket })
    } finally {
      undo?.()
    }
  }

  list(): JoinStatus[] {
    return [...this.attempts.values()].map(a => ({ ...a.status }))
  }

  async cancel(ticket: string): Promise<boolean> {
    const running = this.attempts.get(ticket)
    if (!running) return false
    await running.stop(new OpenPactError('JOIN_CANCELLED'))
    return true
  }

  /** Goes on with what was under way when the daemon stopped. */
  resume(): void {
    for (const row of this.store.db.prepare('SELECT token, alias, started FROM invites_join').all()) {
      const { token, alias, started } = row as { token: string; alias: string | null; started: number }
      try {
        this.begin(token, alias, started)
      } catch (error) {
        this.log.warn('a join that was under way cannot go on', { error: String(error) })
      }
    }
  }

  /** Ends every attempt but forgets none. */
  async close(): Promise<void> {
    this.closing.abort()
    await Promise.all([...this.attempts.values()].map(a => a.stop(new OpenPactError('CLOSING'))))
  }

  /** An attempt by another token for the same pact: who gives a new one has no hope in the old one, and a door is knocked at once. */
  private supersede(topic: Buffer): void {
    for (const [ticket, knocking] of this.topics)
      if (knocking.equals(topic)) void this.attempts.get(ticket)?.stop(new OpenPactError('JOIN_SUPERSEDED'))
  }

  private begin(token: string, alias: string | null, started: number): Attempt {
    const { kind, bytes } = decodeToken(token, this.kinds)
    const { topic, ticket } = readToken(kind, bytes)
    const running = this.attempts.get(ticket)
    if (running) return running
    this.supersede(topic)
    const here = this.kernel.pacts.list().find(pact => doorTopic(pact.key).equals(topic))
    if (!here && alias !== null && this.kernel.pacts.find(alias)) throw new OpenPactError('PACT_EXISTS', { alias })
    if (this.closing.signal.aborted) throw new OpenPactError('CLOSING')

    this.store.db
      .prepare('INSERT OR IGNORE INTO invites_join (ticket, token, alias, started) VALUES (?, ?, ?, ?)')
      .run(ticket, token, alias, started)
    const begun = attempt({
      kernel: this.kernel,
      kind,
      token: bytes,
      topic,
      ticket,
      alias,
      started,
      here: here ?? null,
    })
    this.attempts.set(ticket, begun)
    this.topics.set(ticket, topic)
    const over = (error?: unknown) => {
      this.attempts.delete(ticket)
      this.topics.delete(ticket)
      // A daemon that stops goes on with the attempt when it starts again.
      if (isOpenPactError(error) && error.code === 'CLOSING') return
      this.store.db.prepare('DELETE FROM invites_join WHERE ticket = ?').run(ticket)
      if (error) this.log.warn('a join ended', { ticket, error: String(error) })
    }
    begun.done.then(() => over(), over)
    return begun
  }
}

function readToken(kind: AdmissionKind, bytes: Buffer): { topic: Buffer; ticket: string } {
  try {
    return kind.read(bytes)
  } catch (cause) {
    throw new OpenPactError('INVITE_MALFORMED', { reason: 'it was made by another version of OpenPact' }, { cause })
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
