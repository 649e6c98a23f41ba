/**
 * Every mend is shown twice: with all mends but that one the fault appears, with all of them it does not. Nothing is left to
 * chance: keys come from fixed seeds, peers exchange blocks only where the test says so, and a kill is a copy of the store's
 * directory taken between two writes, which is what `kill -9` leaves behind, since every write is with the kernel at once.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Autobase, { type ApplyHost, type ApplyNode } from 'autobase'
import ApplyState from 'autobase/lib/apply-state.js'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isOpenPactError } from '../errors.ts'
import { checkedVersions, closeQuiesced, mendAutobase, mends, refuseUnchecked } from './mends.ts'

type Base = Autobase<Hypercore>
interface Peer {
  base: Base
  store: Corestore
  dir: string
}

const root = mkdtempSync(join(tmpdir(), 'openpact-mends-'))
const { _flush, _boot, shouldMigrate, finalize } = ApplyState.prototype
const opened = new Set<Base>()
let directories = 0

function unmend(): void {
  Object.assign(ApplyState.prototype, { _flush, _boot, shouldMigrate, finalize })
}

function mendAllBut(left: keyof typeof mends): void {
  for (const name of Object.keys(mends) as (keyof typeof mends)[]) if (name !== left) mends[name]()
}

beforeEach(unmend)
afterEach(async () => {
  const closing = [...opened].map(base => base.close())
  opened.clear()
  await Promise.all(closing)
})
afterAll(() => {
  unmend()
  rmSync(root, { recursive: true, force: true })
})

function freshDirectory(): string {
  return join(root, String(directories++))
}

/** What the disk would hold if the process were killed right now. */
function kill(peer: Peer): string {
  const dir = freshDirectory()
  cpSync(peer.dir, dir, { recursive: true })
  return dir
}

/** A value is a text, `+<key>` to add a writer, `*<key>` to make it an indexer (each is one line of the view), `!<reason>` to interrupt. */
async function apply(nodes: ApplyNode[], view: Hypercore, host: ApplyHost): Promise<void> {
  for (const { value } of nodes) {
    const text = value.toString()
    if (text.startsWith('!')) host.interrupt(text.slice(1))
    if (/^[+*]/.test(text)) await host.addWriter(Buffer.from(text.slice(1), 'hex'), { indexer: text.startsWith('*') })
    await view.append(Buffer.from(text.slice(0, 4)))
  }
}

async function open(dir: string, options: { key?: Buffer; seed?: number } = {}): Promise<Peer> {
  const seeded = options.seed === undefined ? {} : { primaryKey: Buffer.alloc(32, options.seed), unsafe: true }
  // A Corestore refuses a directory that was copied, unless told that it is a backup.
  const store = new Corestore(dir, { allowBackup: true, ...seeded })
  const base: Base = new Autobase(store, options.key ?? null, {
    open: views => views.get('log'),
    apply,
    valueEncoding: 'binary',
    ackInterval: 0,
    fastForward: false,
  })
  opened.add(base)
  await base.ready()
  return { base, store, dir }
}

async function lines(base: Base): Promise<string[]> {
  const all: string[] = []
  for (let i = 0; i < base.view.length; i++) all.push(String(await base.view.get(i, { timeout: 500 })))
  return all
}

function hex(peer: Peer): string {
  return peer.base.local.key.toString('hex')
}

/** What a peer's view says of `peer` being added: the first four characters of the value. */
function line(sign: '+' | '*', peer: Peer): string {
  return `${sign}${hex(peer)}`.slice(0, 4)
}

function write(peer: Peer, text: string): Promise<number> {
  return peer.base.append(Buffer.from(text))
}

/** Brings all of the writers' blocks from one peer to another, which only looks at them when they are all there. */
async function bring(from: Peer, to: Peer, writers: Peer[]): Promise<void> {
  to.base.pause()
  const streams = [from.base.replicate(true), to.base.replicate(false)] as const
  streams[0].pipe(streams[1]).pipe(streams[0])
  for (const writer of writers) {
    const length = from === writer ? from.base.local.length : await lengthAt(from, writer)
    const core = to.store.get({ key: writer.base.local.key })
    await core.ready()
    for (let i = 0; i < length; i++) await core.get(i)
    await core.close()
  }
  const ended = streams.map(stream => new Promise(resolve => stream.once('close', resolve)))
  for (const stream of streams) stream.on('error', () => {}).destroy()
  await Promise.all(ended)
  to.base.resume()
  await to.base.update()
  await to.base.update()
}

async function lengthAt(peer: Peer, writer: Peer): Promise<number> {
  const core = peer.store.get({ key: writer.base.local.key })
  await core.ready()
  const { length } = core
  await core.close()
  return length
}

/** Opens what a killed peer left, without any connection, and reads its view. `stuck` if that takes for ever. */
async function reopen(dir: string, key?: Buffer): Promise<string[] | 'stuck'> {
  const { base } = await open(dir, key ? { key } : {})
  const stuck = await Promise.race([base.update().then(() => false), sleep(3_000, true, { ref: false })])
  // It would not close either, so it is left behind.
  if (stuck) opened.delete(base)
  return stuck ? 'stuck' : lines(base)
}

describe('a torn flush', () => {
  /** Appends a, b and c, and is killed after each write of c. */
  async function killedWhileAppending(): Promise<(string[] | 'stuck')[]> {
    const peer = await open(freshDirectory(), { seed: 1 })
    await write(peer, 'a')
    await write(peer, 'b')
    const { store } = stateOf(peer)
    const flush = store.flush.bind(store)
    const left: string[] = []
    store.flush = async () => {
      await flush()
      left.push(kill(peer))
    }
    await write(peer, 'c')
    return Promise.all(left.map(dir => reopen(dir)))
  }

  /** Appends a, b and c, and is closed after the first write of c. */
  async function closedWhileAppending(): Promise<string[] | 'stuck'> {
    const peer = await open(freshDirectory(), { seed: 1 })
    await write(peer, 'a')
    await write(peer, 'b')
    const state = stateOf(peer)
    state.localCheckpoint!.update = async () => {
      void peer.base.close()
      while (!state.closing) await sleep(1)
      await state.closing
    }
    await expect(write(peer, 'c')).rejects.toThrow('closing')
    await peer.base.close()
    return reopen(peer.dir)
  }

  it('applies the last batch twice after a kill without the mend, once with it', async () => {
    mendAllBut('tornFlush')
    expect(await killedWhileAppending()).toEqual([
      ['a', 'b', 'c', 'c'],
      ['a', 'b', 'c'],
    ])
    mends.tornFlush()
    expect(await killedWhileAppending()).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
  })

  it('applies the last batch twice after a plain close without the mend, once with it', async () => {
    mendAllBut('tornFlush')
    expect(await closedWhileAppending()).toEqual(['a', 'b', 'c', 'c'])
    mends.tornFlush()
    expect(await closedWhileAppending()).toEqual(['a', 'b', 'c'])
  })
})

/**
 * a, the only indexer, has made b the second, and b has acknowledged it: the change is known but not indexed. c writes too.
 * The seeds put c's key before a's, so that c's concurrent entries come first wherever the order is open.
 */
async function threePeers(): Promise<{ a: Peer; b: Peer; c: Peer }> {
  const a = await open(freshDirectory(), { seed: 1 })
  const key = a.base.key
  const b = await open(freshDirectory(), { seed: 2, key })
  const c = await open(freshDirectory(), { seed: 3, key })
  expect(Buffer.compare(c.base.local.key, a.base.local.key)).toBe(-1)
  await write(a, `+${hex(c)}`)
  await write(a, `*${hex(b)}`)
  await bring(a, c, [a])
  await bring(a, b, [a])
  while (b.base.local.length === 0) await b.base.update()
  await bring(b, a, [b])
  return { a, b, c }
}

/** Kills a peer before or after it stores that its indexers changed, while it migrates; the peer itself goes on. */
function killAtMigration(peer: Peer, when: 'before' | 'after'): string[] {
  const left: string[] = []
  ApplyState.prototype.finalize = async function (key) {
    if (this.base === peer.base && when === 'before') left.push(kill(peer))
    await finalize.call(this, key)
    if (this.base === peer.base && when === 'after') left.push(kill(peer))
  }
  return left
}

describe('the migration window', () => {
  async function killedBeforeTheEnd(): Promise<{ went: string[]; left: string[] | 'stuck' }> {
    const { a, b, c } = await threePeers()
    // Neither knows of the other's: the old set of indexers puts what a signed first, the new one has not signed either.
    await write(a, 'from')
    await write(c, 'conc')
    await bring(c, b, [c])
    const left = killAtMigration(b, 'before')
    await bring(a, b, [a])
    expect(left).toHaveLength(1)
    const expected = [line('+', c), line('*', b), 'conc', 'from']
    expect(await lines(b.base)).toEqual(expected)
    return { went: expected, left: await reopen(left[0]!, a.base.key) }
  }

  it('keeps the tip in the old order without the mend, applies it again with it', async () => {
    mendAllBut('migrationWindow')
    const without = await killedBeforeTheEnd()
    expect(without.left).toEqual([...without.went.slice(0, 2), 'from', 'conc'])
    unmend()
    mendAutobase()
    const mended = await killedBeforeTheEnd()
    expect(mended.left).toEqual(mended.went)
  })
})

describe('a migration onto itself', () => {
  async function killedWithTheNextIndexerInTheTip(): Promise<{ went: string[]; left: string[] | 'stuck' }> {
    const { a, b, c } = await threePeers()
    // An entry of c in b's tip keeps b looking at c, so that all of what follows comes in one round.
    await write(c, 'conc')
    await bring(c, b, [c])
    await write(a, `*${hex(c)}`)
    await bring(a, c, [a, b])
    // With this c is an indexer at the tip: three of them, while b migrates to two.
    await write(c, 'next')
    const left = killAtMigration(b, 'after')
    await bring(c, b, [a, c])
    expect(left).toHaveLength(1)
    expect(b.base.core.manifest?.signers).toHaveLength(2)
    expect(b.base.system?.indexers).toHaveLength(3)
    const expected = [line('+', c), line('*', b), 'conc', line('*', c), 'next']
    expect(await lines(b.base)).toEqual(expected)
    return { went: expected, left: await reopen(left[0]!, a.base.key) }
  }

  it('hangs for ever without the mend, opens with it', async () => {
    mendAllBut('migrationOntoItself')
    const without = await killedWithTheNextIndexerInTheTip()
    expect(without.left).toBe('stuck')
    unmend()
    mendAutobase()
    const mended = await killedWithTheNextIndexerInTheTip()
    expect(mended.left).toEqual(mended.went)
  })
})

describe('mendAutobase', () => {
  it('changes nothing when called again', () => {
    mendAutobase()
    const once = methods()
    expect(once._flush).not.toBe(_flush)
    mendAutobase()
    expect(methods()).toEqual(once)
  })

  it('refuses a version that was not checked, and says what to do', () => {
    let refused: unknown
    try {
      refuseUnchecked('7.29.0')
    } catch (error) {
      refused = error
    }
    if (!isOpenPactError(refused)) throw new Error('not refused')
    expect(refused.code).toBe('AUTOBASE_UNCHECKED')
    expect(refused.message).toContain('Autobase 7.29.0 is installed')
    expect(refused.message).toContain(`npm install --save-exact autobase@${checkedVersions[0]}`)
  })
})

describe('closeQuiesced', () => {
  beforeEach(mendAutobase)

  it('writes what was under way, then closes', async () => {
    const peer = await open(freshDirectory(), { seed: 1 })
    const appends = ['a', 'b', 'c'].map(text => write(peer, text))
    const steps: string[] = []
    for (const step of ['pause', 'update', 'close'] as const) {
      const original = peer.base[step].bind(peer.base)
      peer.base[step] = () => {
        if (!peer.base.closing) steps.push(step)
        return original()
      }
    }
    expect(await closeQuiesced(peer.base, { appends })).toBe(true)
    expect(steps).toEqual(['pause', 'update', 'close'])
    await Promise.all(appends)
    expect(await reopen(peer.dir)).toEqual(['a', 'b', 'c'])
  })

  it('never pauses over an append that it was not told of: written if it resolves', async () => {
    const peer = await open(freshDirectory(), { seed: 1 })
    await write(peer, 'a')
    const append = write(peer, 'b')
    for (let i = 0; i < 10 && !peer.base.appending; i++) await Promise.resolve()
    expect(peer.base.appending).toBe(true)
    expect(await closeQuiesced(peer.base)).toBe(true)
    await append
    expect(await reopen(peer.dir)).toEqual(['a', 'b'])
  })

  it('closes a base that does not come to rest, after the time limit', async () => {
    const peer = await open(freshDirectory(), { seed: 1 })
    const started = Date.now()
    expect(await closeQuiesced(peer.base, { appends: [new Promise(() => {})], timeout: 50 })).toBe(false)
    expect(Date.now() - started).toBeLessThan(2_000)
    expect(peer.base.closing).not.toBeNull()
  })

  it('closes an interrupted base without waiting for what it cannot write', async () => {
    const peer = await open(freshDirectory(), { seed: 1 })
    await write(peer, 'a')
    await expect(write(peer, '!no')).rejects.toThrow('closing')
    expect(peer.base.interrupted).toBe('no')
    expect(peer.base.appending).toBe(true)
    const started = Date.now()
    expect(await closeQuiesced(peer.base)).toBe(false)
    expect(Date.now() - started).toBeLessThan(4_000)
    expect(await reopen(peer.dir)).toEqual(['a'])
  })
})

function methods(): Pick<ApplyState, '_flush' | '_boot' | 'shouldMigrate'> {
  const { _flush, _boot, shouldMigrate } = ApplyState.prototype
  return { _flush, _boot, shouldMigrate }
}

function stateOf(peer: Peer): ApplyState & { closing: Promise<void> | null } {
  return (peer.base as unknown as { _applyState: ApplyState & { closing: Promise<void> | null } })._applyState
}
