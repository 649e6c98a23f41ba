/** What plugins and embedders see of a running kernel. Made by `startKernel` in host/start.ts. */
import type { OpenPactError } from './errors.ts'
import type { Pact } from './pact.ts'
import type { EntryType, Plugin, ServiceRef } from './plugin.ts'

export interface AgentIdentity {
  /** Name on this machine, e.g. `claude`. */
  name: string
  /** Public key, 32 bytes. */
  key: Buffer
  /** The short public name: `<name>-<6 hex>`. */
  handle: string
}

/** This machine's identity and the agents it serves. Secrets stay inside. */
export interface Identity {
  /** Public key of the identity, 32 bytes. */
  readonly key: Buffer
  /** Noise key of this device, 32 bytes. */
  readonly device: Buffer
  readonly handle: string
  /** The agent that signs when none is named. */
  readonly defaultAgent: AgentIdentity
  agents(): AgentIdentity[]
  agent(name: string): AgentIdentity | null
  /** Makes a new agent key on this machine. @throws OpenPactError AGENT_EXISTS */
  createAgent(name: string): Promise<AgentIdentity>
  removeAgent(name: string): Promise<void>
  /** The identity's attestation that `data` (32 bytes) was said by this device: exactly root → device, about 139 bytes. */
  attest(data: Buffer): Buffer
  /** The identity's attestation of an agent's key over `data`: root → device → agent, about 235 bytes. */
  attestAgent(name: string, data: Buffer): Buffer
  sign(agent: string, message: Buffer): Buffer
}

export interface CreatePactOptions {
  name: string
  alias?: string
  purpose?: string
  template?: string
  types?: string[] | null
  invites?: 'admin' | 'member'
  /** Ruled plugins to switch on; all loaded ones by default. */
  rules?: string[]
  /** The log that this pact carries on, named in its first entry: key of its pact, chain at its end, length. */
  refounds?: { key: Buffer; chain: Buffer; length: number }
}

/** What a newcomer is given once it is seated. */
export interface PactKeys {
  key: Buffer
  encryptionKey: Buffer
}

export interface Pacts {
  list(): Pact[]
  /** Pacts that could not be opened, by id, with the reason. The others go on. */
  readonly failed: ReadonlyMap<string, OpenPactError>
  /** By alias or 64-hex id, or null. */
  find(aliasOrId: string): Pact | null
  /** @throws OpenPactError PACT_UNKNOWN with near names */
  get(aliasOrId: string): Pact
  create(options: CreatePactOptions): Promise<Pact>
  /** The writer key this machine would have in a pact it is about to join; the store is kept under `ticket`. */
  prepare(ticket: string): Promise<{ writer: Buffer }>
  /** Opens a joined pact on a prepared store and starts replicating it. */
  open(ticket: string, keys: PactKeys, options: { alias: string }): Promise<Pact>
  /** Drops a prepared store that will not be used. */
  discard(ticket: string): Promise<void>
  rename(id: string, alias: string): Promise<void>
  /** Closes the pact and deletes its data from this machine. */
  remove(id: string): Promise<void>
}

/** A raw connection to another machine, for plugins that speak to strangers (the door of `invites`). */
export interface StrangerChannel {
  /** The remote's Noise key, 32 bytes: proven by the handshake. */
  readonly noise: Buffer
  send(message: Buffer): boolean
  close(): void
}

export interface Network {
  readonly online: boolean
  readonly noise: Buffer
  /** Joins a topic for as long as the returned function is not called; makes connections to whoever else is there. */
  announce(topic: Buffer, options?: { server?: boolean; client?: boolean }): () => Promise<void>
  /**
   * Serves or opens a channel on every connection where both sides know `topic` (the channel's id is keyed by the topic over the
   * connection's handshake hash). Messages ≤1 KiB unless `limit` says otherwise; a stranger has a budget of bytes and time.
   * Handlers may throw: the channel is closed, nobody stops.
   */
  door(
    protocol: string,
    topic: Buffer,
    handlers: {
      onopen?(channel: StrangerChannel): void
      onmessage(message: Buffer, channel: StrangerChannel): void | Promise<void>
      onclose?(channel: StrangerChannel): void
      /** Largest message in bytes, either way; 1024 by default. */
      limit?: number
    },
  ): () => void
  status(): {
    online: boolean
    connections: number
    strangers: number
    /** Nodes of the DHT that answered; 0 while none can be reached. */
    nodes: number
    bootstrap: string[] | null
    address: string | null
  }
}

export interface PluginStatus {
  name: string
  version: string
  summary: string
  source: string
  state: 'pending' | 'active' | 'failed' | 'off' | 'disposed'
  error: string | null
  requires: string[]
  provides: string[]
  entryTypes: string[]
  /** `EntryType.words` of those that have some, by name. */
  words: Record<string, string>
  contributions: { point: string; id: string }[]
  rules: { protocol: number; digest: string; types: string[]; defaults: unknown } | null
}

export interface Kernel {
  readonly version: string
  /** The data directory. */
  readonly dataDir: string
  readonly identity: Identity
  readonly pacts: Pacts
  readonly network: Network
  /** Owner plugin and schema of an entry type, or null. */
  entryType(name: string): (EntryType & { plugin: string }) | null
  entryTypes(): (EntryType & { plugin: string })[]
  plugins(): PluginStatus[]
  /** A service of a running plugin, for embedders and tests. @throws OpenPactError SERVICE_MISSING */
  use<T>(ref: ServiceRef<T>): T
  /** Stops everything, quiesced. */
  close(): Promise<void>
}

export type { Plugin }
