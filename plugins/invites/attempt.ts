/** One attempt to join a pact: prepare a store, ask for a seat, open the pact with the keys that come back, wait until it reads. */
import { setTimeout as delay } from 'node:timers/promises'
import { applicationOf, isOpenPactError, type Kernel, OpenPactError, type Pact } from '../../kernel/index.ts'
import { knockAt } from './knock.ts'
import type { AdmissionKind, JoinState, JoinStatus } from './service.ts'
import type { Knock, Welcome } from './wire.ts'

const LOOK_MS = 50
/** ms that a newcomer without a rule of the pact waits for views that others have signed: a little longer than the ledger itself. */
const HALTED_MS = 12_000
const FOR_GOOD = new Set([
  'INVITE_SPENT',
  'INVITE_EXPIRED',
  'INVITE_REVOKED',
  'JOIN_REFUSED',
  'JOIN_CANCELLED',
  'JOIN_SUPERSEDED',
])

export interface AttemptOptions {
  kernel: Kernel
  kind: AdmissionKind
  token: Buffer
  topic: Buffer
  ticket: string
  alias: string | null
  started: number
  /** The pact behind the door, when it is on this machine already. */
  here: Pact | null
}

export interface Attempt {
  readonly status: JoinStatus
  /** Resolves when the pact can be read with its own seat in it, or not before its rules are installed here. */
  readonly done: Promise<Pact>
  /** Returns its undo. */
  onstatus(fn: (status: JoinStatus) => void): () => void
  /** Ends it with an error; resolves when nothing of it runs any more. */
  stop(error: OpenPactError): Promise<void>
}

export function attempt(options: AttemptOptions): Attempt {
  const { kernel, ticket, alias, started } = options
  const status: JoinStatus = { ticket, alias, state: 'connecting', words: SAID.connecting, started }
  const listeners = new Set<(status: JoinStatus) => void>()
  const ending = new AbortController()
  const say = (state: JoinState, words: string) => {
    if (status.state === state && status.words === words) return
    Object.assign(status, { state, words })
    for (const listener of listeners) listener({ ...status })
  }
  const done = run(options, ending.signal, say).catch(async (error: unknown) => {
    const coded = isOpenPactError(error) ? error : new OpenPactError('INTERNAL', {}, { cause: error })
    // After any other failure the seat may stand already: the prepared store is what a second try goes on with.
    if (FOR_GOOD.has(coded.code)) {
      say('refused', coded.message)
      await kernel.pacts.discard(ticket).catch(() => undefined)
    }
    throw coded
  })
  // Callers may have stopped waiting by the time it fails.
  done.catch(() => undefined)
  return {
    status,
    done,
    onstatus(fn) {
      listeners.add(fn)
      fn({ ...status })
      return () => void listeners.delete(fn)
    },
    async stop(error) {
      ending.abort(error)
      await done.catch(() => undefined)
    },
  }
}

const SAID = {
  connecting: 'looking for a member of the pact; one of them must be online',
  asking: 'a member was reached and asked for a seat',
  accepted: 'admitted; waiting for the first entries of the pact',
  joined: 'in the pact',
}

async function run(
  options: AttemptOptions,
  signal: AbortSignal,
  say: (state: JoinState, words: string) => void,
): Promise<Pact> {
  const removed = await options.here?.removal()
  if (removed) throw new OpenPactError('JOIN_REFUSED', { reason: removed })
  const pact = options.here ?? (await enter(options, signal, say))
  say('accepted', SAID.accepted)
  const noise = options.kernel.identity.device.toString('hex')
  let halted = 0
  while (!(await pact.memberByNoise(noise))) {
    const { interrupted, length } = await pact.status()
    halted = interrupted ? halted || Date.now() : 0
    // Where rules are missing here, the entry with the seat comes only in views that others have signed. The seat stands also without, and
    // `openpact status` says what to install.
    if (halted && Date.now() - halted > HALTED_MS) break
    if (length > 1)
      say('accepted', `admitted; reading the pact up to the seat of this machine, ${length} entries so far`)
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined)
    signal.throwIfAborted()
    if (pact.closed) throw new OpenPactError('PACT_CLOSED', { pact: pact.alias })
  }
  say('joined', SAID.joined)
  return pact
}

async function enter(
  { kernel, kind, token, topic, ticket, alias }: AttemptOptions,
  signal: AbortSignal,
  say: (state: JoinState, words: string) => void,
): Promise<Pact> {
  const { writer } = await kernel.pacts.prepare(ticket)
  signal.throwIfAborted()
  const knock = makeKnock(kernel, kind, token, topic, writer)
  const welcome = await knockAt({
    network: kernel.network,
    topic,
    knock,
    signal,
    onstatus(heard, words) {
      if (heard === 'reached') say('asking', SAID.asking)
      else say('pending', words)
    },
  })
  return open(kernel, ticket, welcome, alias)
}

function makeKnock(kernel: Kernel, kind: AdmissionKind, token: Buffer, topic: Buffer, writer: Buffer): Knock {
  const application = applicationOf(kernel.identity, topic, writer)
  const identity = kernel.identity.key.toString('hex')
  const evidence = kind.evidence(token, { identity, writer: application.writer, noise: application.noise })
  return { kind: kind.code, evidence, identity, application }
}

function open(kernel: Kernel, ticket: string, welcome: Welcome, alias: string | null): Promise<Pact> {
  const { key, encryptionKey, name } = welcome
  return kernel.pacts.open(ticket, { key, encryptionKey }, { alias: alias ?? freeAlias(kernel, name) })
}

/** A name made of the pact's own, since an alias is typed in commands and paths. */
function freeAlias(kernel: Kernel, name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
  const base = slug || 'pact'
  for (let n = 1; ; n++) {
    const alias = n === 1 ? base : `${base}-${n}`
    if (!kernel.pacts.find(alias)) return alias
  }
}
