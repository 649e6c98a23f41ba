/** In-process peers around real ledgers, joined by piped replication streams: partitions are exact, nothing touches a network. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnIdentity, openIdentity } from '../../kernel/identity/identity.ts'
import { Type } from '../../kernel/index.ts'
import { ACCEPTED, type LogRecord } from '../../kernel/ledger/entry.ts'
import type { Ledger } from '../../kernel/ledger/ledger.ts'
import { type Links, PactStore } from '../../kernel/ledger/pacts.ts'
import type { InstalledRule, RuleSet } from '../../kernel/ledger/rule-set.ts'
import { applicationOf } from '../../kernel/ledger/seats.ts'
import { doorTopic } from '../../kernel/replication/topics.ts'
import { defineRules, type Rules } from '../../kernel/rules.ts'

/** Seats whoever a member vouches for: admission without a door. */
export const openDoor = defineRules({
  protocol: 1,
  types: [],
  admits: { test: { verify: () => ({ role: 'member' as const }) } },
})

export function ruleSet(rules: Record<string, Rules>): RuleSet {
  const installed = new Map<string, InstalledRule>(
    Object.entries(rules).map(([plugin, r]) => [plugin, { plugin, rules: r, digest: '0' }]),
  )
  return {
    get: plugin => installed.get(plugin) ?? null,
    list: () => [...installed.values()],
    validate: (plugin, entry, context) => installed.get(plugin)?.rules.validate?.(entry, context),
    reduce: (plugin, entry, context) => installed.get(plugin)?.rules.reduce?.(entry, context),
  }
}

const note = { name: 'note', v: 1, plugin: 'test', summary: 'free text', payload: Type.Object({ text: Type.String() }) }

export interface PeerEvents {
  applied: LogRecord[]
  reverted: number[]
  confirmed: number[]
}

export class Peer {
  readonly dir: string
  readonly name: string
  identity!: OwnIdentity
  store!: PactStore
  events: PeerEvents = { applied: [], reverted: [], confirmed: [] }
  rules: Record<string, Rules>
  extraTypes: { name: string }[]

  constructor(name: string, dir: string, rules: Record<string, Rules>, types: string[]) {
    this.name = name
    this.dir = dir
    this.rules = rules
    this.extraTypes = types.map(t => ({ name: t }))
  }

  async open(): Promise<void> {
    this.identity = await openIdentity(join(this.dir, 'identity'))
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    const links: Links = {
      add: () => ({
        remove: async () => {},
        peers: () => [],
        channel: () => ({ peers: () => [], broadcast() {}, close() {} }),
      }),
    }
    this.store = new PactStore(
      join(this.dir, 'pacts'),
      {
        identity: this.identity,
        rules: ruleSet(this.rules),
        log: silent,
        entryType: name =>
          name === 'note'
            ? note
            : this.extraTypes.some(t => t.name === name)
              ? { ...note, name, payload: Type.Unknown() }
              : null,
        complete: async draft => draft,
        authorise: async () => {},
        applied: async (_pact, records) => void this.events.applied.push(...records),
        reverted: async (_pact, position) => void this.events.reverted.push(position),
        confirmed: async (_pact, length) => void this.events.confirmed.push(length),
        refuses: async () => undefined,
        opened: async () => {},
        closing: async () => {},
        near: () => '',
      },
      links,
    )
    await this.store.openAll()
  }

  get pact(): Ledger {
    const pact = this.store.list()[0]
    if (!pact) throw new Error(`${this.name} has no pact open`)
    return pact
  }

  async close(): Promise<void> {
    await this.store.close()
  }
}

/** Two-way pipe between two ledgers. Returns the cut. */
export function connect(a: Ledger, b: Ledger): () => Promise<void> {
  const s = a.replicate(true, b.device)
  const t = b.replicate(false, a.device)
  s.on('error', () => {})
  t.on('error', () => {})
  s.pipe(t).pipe(s)
  return async () => {
    const closed = Promise.all([s, t].map(x => (x.closed ? null : new Promise(resolve => x.once('close', resolve)))))
    s.destroy()
    t.destroy()
    await closed
  }
}

export interface Group {
  peers: Peer[]
  dispose(): Promise<void>
}

/** `count` members of one new pact; the first founded it and is the only indexer. Nobody is connected when it returns. */
export async function group(
  count: number,
  options: { rules?: Record<string, Rules>; types?: string[]; rulesOf?(i: number): Record<string, Rules> } = {},
): Promise<Group> {
  const root = await mkdtemp(join(tmpdir(), 'openpact-test-'))
  const peers: Peer[] = []
  for (let i = 0; i < count; i++) {
    const rules = { ...(options.rulesOf?.(i) ?? options.rules), 'open-door': openDoor }
    const peer = new Peer(`p${i}`, join(root, `p${i}`), rules, options.types ?? [])
    await peer.open()
    peers.push(peer)
  }
  const [founder, ...others] = peers as [Peer, ...Peer[]]
  await founder.store.create({ name: 'test' })
  for (const peer of others) await admit(founder, peer)
  return {
    peers,
    dispose: async () => {
      for (const peer of peers) await peer.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Seats `peer` through `member` and lets it catch up until it can write. */
export async function admit(member: Peer, peer: Peer): Promise<void> {
  const { pact } = member
  const { writer } = await peer.store.prepare('00')
  const payload = { ...applicationOf(peer.identity, doorTopic(pact.key), writer), via: { kind: 'test' } }
  const [receipt] = await pact.append([{ type: 'member.add', payload }])
  if (receipt?.verdict !== ACCEPTED) throw new Error(`not seated: ${receipt?.verdict}`)
  await peer.store.open('00', { key: pact.key, encryptionKey: pact.encryptionKey }, { alias: 'test' })
  const cut = connect(pact, peer.pact)
  await until(peer.pact, () => peer.pact.base.writable)
  await cut()
}

/** Resolves when `test` holds, looking at every movement of the ledger, or of all that it is about. */
export async function until(
  about: Ledger | Ledger[],
  test: () => boolean | Promise<boolean>,
  timeout = 20_000,
): Promise<void> {
  if (await test()) return
  const bases = [about].flat().map(({ base }) => base)
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      for (const base of bases) base.off('update', look)
    }
    const look = async () => {
      if (!(await test())) return
      end()
      resolve()
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error('the awaited state did not come'))
    }, timeout)
    for (const base of bases) base.on('update', look)
    void look()
  })
}

/** Chain at the head of a ledger, hex. */
export async function head(pact: Ledger): Promise<string> {
  const record = pact.length > 0 ? await pact.record(pact.length - 1) : null
  return record ? record.chain.toString('hex') : ''
}
