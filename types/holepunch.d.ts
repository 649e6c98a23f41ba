// The Holepunch packages ship no types. Declared here is only what OpenPact uses of them.

type Bytes = Buffer

declare module 'hypercore-crypto' {
  interface KeyPair {
    publicKey: Bytes
    secretKey: Bytes
  }
  const crypto: {
    keyPair(seed?: Bytes): KeyPair
    sign(message: Bytes, secretKey: Bytes): Bytes
    verify(message: Bytes, signature: Bytes, publicKey: Bytes): boolean
    hash(data: Bytes | Bytes[], out?: Bytes): Bytes
    randomBytes(n: number): Bytes
    discoveryKey(key: Bytes): Bytes
    namespace(name: string, count: number): Bytes[]
  }
  export default crypto
}

declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'

  interface GetOptions {
    wait?: boolean
    timeout?: number
  }
  /** What a core's key is the hash of. */
  interface Manifest {
    version: number
    quorum: number
    signers: { signature: 'ed25519'; namespace: Bytes; publicKey: Bytes }[]
  }
  class Hypercore extends EventEmitter {
    static key(manifest: Manifest): Bytes
    key: Bytes
    discoveryKey: Bytes
    keyPair: { publicKey: Bytes; secretKey: Bytes } | null
    length: number
    /** Without what encryption adds. */
    byteLength: number
    closing: Promise<void> | null
    signedLength: number
    contiguousLength: number
    fork: number
    writable: boolean
    opened: boolean
    closed: boolean
    // Private: what kernel/ledger/session.ts reads.
    state: { hash(): Bytes; atomized: { flushing: boolean; flushed(): Promise<void> } | null }
    peers: {
      stream: unknown
      remotePublicKey: Bytes
      remoteLength: number
      remoteContiguousLength: number
      /** Blocks beyond that which it has. */
      remoteBitfield: { get(index: number): boolean }
      /** It has said how long its copy is. */
      remoteSynced: boolean
    }[]
    /** Whether streams offer it to the remote by themselves. */
    setActive(active: boolean): void
    manifest: { signers: unknown[] } | null
    ready(): Promise<void>
    close(): Promise<void>
    get(index: number, options?: GetOptions): Promise<Bytes | null>
    has(start: number, end?: number): Promise<boolean>
    append(blocks: Bytes | Bytes[]): Promise<{ length: number; byteLength: number }>
    truncate(length: number): Promise<void>
    /** Drops blocks of this machine. */
    clear(start: number, end?: number): Promise<unknown>
    update(options?: { wait?: boolean }): Promise<boolean>
    download(range: { start?: number; end?: number; blocks?: number[]; linear?: boolean }): {
      done(): Promise<void>
      destroy(): void
    }
    snapshot(): Hypercore
    session(options?: object): Hypercore
    replicate(isInitiator: boolean | object, options?: object): Duplex
  }
  type Duplex = import('node:stream').Duplex

  export type { Manifest }
  export default Hypercore
}

declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'

  class Corestore extends EventEmitter {
    constructor(storage: string | object, options?: object)
    ready(): Promise<void>
    close(): Promise<void>
    get(options: object): Hypercore
    createKeyPair(name: string): Promise<{ publicKey: Bytes; secretKey: Bytes }>
    namespace(name: string | Bytes): Corestore
    session(options?: object): Corestore
    replicate(isInitiator: boolean | object, options?: object): import('node:stream').Duplex
    storage: { flush?(): Promise<void> }
  }
  export default Corestore
}

declare module 'hypercore-storage' {
  class HypercoreStorage {
    /** @param options `writeBufferSize` in bytes */
    constructor(directory: string, options?: { writeBufferSize?: number })
  }
  export default HypercoreStorage
}

declare module 'hyperbee' {
  import type Hypercore from 'hypercore'

  interface Node {
    seq: number
    key: string
    value: Bytes
  }
  interface Batch {
    get(key: string, options?: object): Promise<Node | null>
    put(key: string, value: Bytes): Promise<void>
    del(key: string): Promise<void>
    flush(): Promise<void>
    close(): Promise<void>
    createReadStream(range: object): AsyncIterable<Node>
  }
  class Hyperbee {
    constructor(core: Hypercore, options?: object)
    core: Hypercore
    version: number
    ready(): Promise<void>
    close(): Promise<void>
    get(key: string, options?: object): Promise<Node | null>
    batch(options?: object): Batch
    checkout(version: number): Hyperbee
    snapshot(): Hyperbee
    createReadStream(range?: object, options?: object): AsyncIterable<Node>
  }

  export type { Batch, Node }
  export default Hyperbee
}

declare module 'autobase' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'

  interface ApplyNode {
    indexed: boolean
    optimistic: boolean
    from: Hypercore
    /** Length of the writer's core up to and including this block; a property of the block, the same on every peer. */
    length: number
    value: Bytes
    heads: { key: Bytes; length: number }[]
  }
  interface ApplyHost {
    key: Bytes
    discoveryKey: Bytes
    addWriter(key: Bytes, options?: { indexer?: boolean }): Promise<void>
    ackWriter(key: Bytes): Promise<void>
    removeWriter(key: Bytes): Promise<void>
    removeable(key: Bytes): boolean
    interrupt(reason?: string): never
  }
  interface IndexedInfo {
    views: { key: Bytes; length: number }[]
    indexers: { key: Bytes; length: number }[]
  }
  class Autobase<View> extends EventEmitter {
    constructor(
      store: Corestore,
      bootstrap: Bytes | null,
      handlers: {
        open(store: { get(name: string | object): Hypercore }): View
        apply(nodes: ApplyNode[], view: View, host: ApplyHost): Promise<void>
        valueEncoding: 'binary'
        encryptionKey?: Bytes
        ackInterval?: number
        fastForward?: boolean | { key: Bytes }
        optimistic?: boolean
      },
    )
    static getLocalCore(store: Corestore, handlers?: object, encryptionKey?: Bytes): Hypercore
    static getLocalKey(store: Corestore, options?: object): Promise<Bytes>
    key: Bytes
    discoveryKey: Bytes
    encryptionKey: Bytes
    view: View
    core: Hypercore
    local: Hypercore
    localWriter: {
      isActiveIndexer: boolean
      isRemoved: boolean
      /** Blocks of the own core that are in the view. */
      length: number
      /** Blocks of it that are known with all that they refer to; the last may be a batch whose rest is missing. */
      nodes: { length: number }
    } | null
    linearizer: { indexers: { core: Hypercore }[]; addHead(node: object): void } | null
    activeWriters: Iterable<{ core: Hypercore; frozen: boolean; advance(): object | null }>
    writable: boolean
    isIndexer: boolean
    opened: boolean
    closing: Promise<void> | null
    /** Values are waiting to be written to the oplog. */
    appending: boolean
    interrupted: string | null
    length: number
    signedLength: number
    indexedLength: number
    /** Null while the base opens, or opens again after a fast-forward or a repair. */
    system: {
      getIndexedInfo(length: number): Promise<IndexedInfo>
      members: number
      indexers: { key: Bytes; length: number }[]
      pendingIndexers: Bytes[]
      core: Hypercore
      heads: { key: Bytes; length: number }[]
    } | null
    ready(): Promise<void>
    close(): Promise<void>
    update(): Promise<void>
    append(value: Bytes | Bytes[] | null): Promise<number>
    ack(background?: boolean): Promise<void>
    flush(): Promise<void>
    pause(): Promise<void>
    resume(): Promise<void>
    repair(): Promise<void>
    /** Takes another core of the store, which is writable, for its own. */
    setLocal(key: Bytes): Promise<void>
    isFastForwarding(): boolean
    getIndexedInfo(): Promise<IndexedInfo>
    replicate(isInitiator: boolean | object, options?: object): Duplex
    views(): Hypercore[]
    // Private: what kernel/ledger/views.ts changes or asks.
    /** Autobase's own view, as far as it is signed. */
    core: Hypercore
    _applyState: { maybeSigned(): Promise<void> } | null
    _ackTimer: object | null
    fastForwardEnabled: boolean
    /** Views that the next step goes on to. */
    fastForwardTo: object | null
    /** ms since 1970. */
    fastForwardFailedAt: number
    _queueFastForward(): void
    _queueBump(): void
    _updateAll(): Promise<void>
    _addRemoteHeads(): Promise<number>
    _startAckTimer(): void
    _close(): Promise<void>
    _bumpAckTimer(): void
  }

  export type { ApplyHost, ApplyNode, IndexedInfo }
  export default Autobase
}

declare module 'autobase/lib/apply-state.js' {
  import type Autobase from 'autobase'
  import type Hypercore from 'hypercore'

  interface BootRecord {
    version: number
    /** The system core that a reopen starts from. */
    key: Bytes
    systemLength: number
    indexersUpdated: boolean
    fastForwarding: boolean
    recoveries: number
  }
  interface Manifest {
    signers: { publicKey: Bytes }[]
  }
  /** A node that was linearised but is not in the oplog yet. Opaque: only handed on. */
  type LocalNode = { batch: number }
  class ApplyState {
    base: Autobase<unknown> & { recoveries: number }
    key: Bytes
    indexedLength: number
    systemView: { indexedLength: number }
    localState: { setBootRecord(record: BootRecord): void; flush(): Promise<void> }
    localCheckpoint: { update(): Promise<void> } | null
    system: {
      core: { key: Bytes; manifest: Manifest | null }
      indexers: { key: Bytes }[]
      getIndexedInfo(length: number): Promise<{ indexers: { key: Bytes }[] }>
    }
    store: {
      flush(): Promise<void>
      atom: { onflush(fn: () => void): void; flushed(): Promise<void> }
      getIndexerManifests(indexers: { key: Bytes }[]): Promise<Manifest[]>
    }
    _appendLocalNodes(nodes: LocalNode[]): Promise<void>
    _open(): Promise<void>
    _createCheckpointCore(...args: unknown[]): { core: Hypercore; updateCheckpoints(): Promise<boolean> }
    maybeSigned(): Promise<void>
    _boot(): Promise<void>
    _flush(localNodes: LocalNode[] | null): Promise<void>
    shouldMigrate(): Promise<boolean>
    finalize(key: Bytes): Promise<void>
  }

  export type { BootRecord, LocalNode }
  export default ApplyState
}

declare module 'autobase/lib/store.js' {
  import type Corestore from 'corestore'

  class AutoStore {
    store: Corestore
    getIndexerManifests(indexers: { key: Bytes }[]): Promise<{ signers: { publicKey: Bytes }[] }[]>
  }
  export default AutoStore
}

declare module 'autobase/lib/fast-forward.js' {
  const FastForward: { MINIMUM: number }
  export default FastForward
}

declare module 'autobase/lib/caps.js' {
  export const BOOT_RECORD_VERSION: number
}

declare module 'protomux' {
  import type { Duplex } from 'node:stream'

  interface Encoding<T> {
    preencode(state: object, value: T): void
    encode(state: object, value: T): void
    decode(state: object): T
  }
  interface Channel {
    opened: boolean
    closed: boolean
    handshake: unknown
    messages: { send(value: unknown): boolean }[]
    open(handshake?: unknown): void
    close(): void
    cork(): void
    uncork(): void
    fullyOpened(): Promise<boolean>
  }
  class Protomux {
    constructor(stream: Duplex)
    static from(stream: object): Protomux
    static isProtomux(value: unknown): boolean
    isProtomux: true
    stream: Duplex & { handshakeHash: Bytes; remotePublicKey: Bytes; publicKey: Bytes; isInitiator: boolean }
    createChannel(options: {
      protocol: string
      id?: Bytes
      unique?: boolean
      handshake?: Encoding<never> | Encoding<Bytes>
      messages?: { encoding: Encoding<Bytes>; onmessage(value: Bytes): void }[]
      onopen?(handshake: unknown): void
      onclose?(remote: boolean): void
      ondestroy?(): void
      ondrain?(): void
    }): Channel | null
    pair(id: { protocol: string; id?: Bytes }, notify: (id: Bytes) => void): void
    unpair(id: { protocol: string; id?: Bytes }): void
    opened(id: { protocol: string; id?: Bytes }): boolean
    destroy(error?: Error): void
  }

  export type { Channel }
  export default Protomux
}

declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'

  class DHT extends EventEmitter {
    constructor(options?: object)
    static bootstrapper(port: number, host: string, options?: object): DHT
    nodes: { length: number }
    host: string
    port: number
    ready(): Promise<void>
    /** Binds the UDP sockets; rejects when the address or port cannot be had. */
    bind(): Promise<void>
    fullyBootstrapped(): Promise<void>
    address(): { host: string; port: number }
    connect(publicKey: Bytes, options?: object): import('hyperswarm').Connection
    destroy(options?: object): Promise<void>
    defaultKeyPair: { publicKey: Bytes; secretKey: Bytes }
  }
  export default DHT
}

declare module 'hyperdht/testnet.js' {
  import type DHT from 'hyperdht'
  export default function createTestnet(
    size: number,
    options?: object,
  ): Promise<{
    nodes: DHT[]
    bootstrap: { host: string; port: number }[]
    createNode(options?: object): DHT
    destroy(): Promise<void>
  }>
}

declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
  import type DHT from 'hyperdht'

  interface Connection extends Duplex {
    publicKey: Bytes
    remotePublicKey: Bytes
    handshakeHash: Bytes
    isInitiator: boolean
    userData: unknown
    rawStream: Duplex & { remoteHost: string; remotePort: number }
    setKeepAlive(ms: number): void
  }
  interface PeerInfo {
    publicKey: Bytes
    topics: Bytes[]
    ban(value: boolean): void
    reconnect(value: boolean): void
  }
  interface Discovery {
    flushed(): Promise<boolean>
    refresh(options?: { client?: boolean; server?: boolean }): Promise<boolean>
    destroy(): Promise<void>
  }
  class Hyperswarm extends EventEmitter {
    constructor(options?: object)
    dht: DHT
    keyPair: { publicKey: Bytes; secretKey: Bytes }
    connections: Set<Connection>
    peers: Map<string, PeerInfo>
    join(topic: Bytes, options?: { client?: boolean; server?: boolean }): Discovery
    leave(topic: Bytes): Promise<void>
    status(topic: Bytes): Discovery | null
    joinPeer(key: Bytes): void
    leavePeer(key: Bytes): void
    flush(): Promise<boolean>
    listen(): Promise<void>
    suspend(): Promise<void>
    resume(): Promise<void>
    destroy(options?: object): Promise<void>
  }

  export type { Connection, Discovery, PeerInfo }
  export default Hyperswarm
}

declare module 'keet-identity-key' {
  interface KeyPair {
    publicKey: Bytes
    secretKey: Bytes
  }
  class IdentityKey {
    static generateMnemonic(): string
    static from(options: { mnemonic: string }): Promise<IdentityKey>
    static bootstrap(options: { mnemonic: string }, device: Bytes): Promise<Bytes>
    static attestDevice(publicKey: Bytes, parent: KeyPair, proof: Bytes): Bytes
    static attestData(data: Bytes, keyPair: KeyPair, proof: Bytes): Bytes
    static verify(
      proof: Bytes | object,
      data: Bytes | null,
      options?: { expectedIdentity?: Bytes; expectedDevice?: Bytes },
    ): { identityPublicKey: Bytes; devicePublicKey: Bytes; receipt: Bytes } | null
    identityPublicKey: Bytes
    bootstrap(device: Bytes): Promise<Bytes>
    clear(): void
  }
  export default IdentityKey
}

declare module 'keet-identity-key/lib/encoding.js' {
  interface Proof {
    version: number
    epoch: number
    identity: Bytes
    chain: { publicKey: Bytes; signature: Bytes }[]
    data: { signature: Bytes } | null
  }
  export const ProofEncoding: import('compact-encoding').Encoder<Proof, Proof>
}

declare module 'blind-pairing-core' {
  interface Invite {
    id: Bytes
    invite: Bytes
    seed: Bytes
    publicKey: Bytes
    discoveryKey: Bytes
    expires: number
  }
  class CandidateRequest {
    constructor(invite: Bytes, userData: Bytes)
    discoveryKey: Bytes
    encode(): Bytes
  }
  class MemberRequest {
    static from(buffer: Bytes): MemberRequest
    inviteId: Bytes
    requestData: { session: Bytes; data: Bytes }
    receipt: Bytes
    userData: Bytes
    open(publicKey: Bytes): Bytes
  }
  export function createInvite(key: Bytes, options?: { discoveryKey?: Bytes; expires?: number; seed?: Bytes }): Invite
  export function decodeInvite(invite: Bytes): { id: Bytes; seed: Bytes; discoveryKey: Bytes; expires: number }
  export function verifyReceipt(receipt: Bytes, publicKey: Bytes): Bytes | null
  export { CandidateRequest, MemberRequest }
}

declare module 'sodium-universal' {
  const sodium: {
    crypto_pwhash_SALTBYTES: number
    crypto_pwhash_ALG_ARGON2ID13: number
    crypto_pwhash_async(out: Bytes, password: Bytes, salt: Bytes, ops: number, mem: number, alg: number): Promise<void>
    crypto_secretstream_xchacha20poly1305_ABYTES: number
    crypto_secretstream_xchacha20poly1305_HEADERBYTES: number
    crypto_secretstream_xchacha20poly1305_KEYBYTES: number
    crypto_secretstream_xchacha20poly1305_STATEBYTES: number
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: number
    crypto_secretstream_xchacha20poly1305_TAG_FINAL: number
    crypto_secretstream_xchacha20poly1305_init_push(state: Bytes, header: Bytes, key: Bytes): void
    crypto_secretstream_xchacha20poly1305_init_pull(state: Bytes, header: Bytes, key: Bytes): void
    crypto_secretstream_xchacha20poly1305_push(state: Bytes, c: Bytes, m: Bytes, ad: Bytes | null, tag: number): void
    /** Throws when the message is not authentic. */
    crypto_secretstream_xchacha20poly1305_pull(state: Bytes, m: Bytes, tag: Bytes, c: Bytes, ad: Bytes | null): void
    sodium_memzero(buffer: Bytes): void
  }
  export default sodium
}
