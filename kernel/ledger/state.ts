/**
 * The `state` view: what validation reads, and nothing else. A Hyperbee of small JSON values:
 * `k/…` is the kernel's, `p/<plugin>/…` a ruled plugin's.
 *
 * Between two calls of apply the values read are kept in memory. That is sound because state is a function of history and
 * `chain` commits to history: when the chain at the end of the log is the one of the last flush, the values still hold.
 */
import type Hyperbee from 'hyperbee'
import { readHere } from './session.ts'

/** Reading the state view failed: a fault of this machine (closed store, missing block), never of an entry. */
export class StateReadError extends Error {
  constructor(cause: unknown) {
    super(`the state view cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'StateReadError'
  }
}

const CACHE_LIMIT = 20_000

type Text = string | null

export class StateWriter {
  private readonly cache = new Map<string, Text>()
  private cacheChain: Buffer | null = null
  private bee: Hyperbee | null = null
  /** Writes of the running apply call. */
  private pending = new Map<string, Text>()
  /** Writes of the entry that is being judged. */
  private entry: Map<string, Text> | null = null

  /** Starts an apply call on a view whose log ends with `chain`. */
  begin(bee: Hyperbee, chain: Buffer): void {
    if (!this.cacheChain?.equals(chain) || this.cache.size > CACHE_LIMIT) this.cache.clear()
    this.cacheChain = null
    this.bee = bee
    this.pending = new Map()
    this.entry = null
  }

  /** From here on writes belong to one entry: kept with `keep()`, dropped with `drop()`. */
  mark(): void {
    this.entry = new Map()
  }

  keep(): void {
    for (const [key, value] of this.entry ?? []) this.pending.set(key, value)
    this.entry = null
  }

  drop(): void {
    this.entry = null
  }

  /** A value that is already in memory: undefined when the view must be read. */
  peek<T>(key: string): T | null | undefined {
    for (const layer of [this.entry, this.pending, this.cache]) {
      const text = layer?.get(key)
      if (text !== undefined) return text === null ? null : (JSON.parse(text) as T)
    }
    return undefined
  }

  async get<T>(key: string): Promise<T | null> {
    const known = this.peek<T>(key)
    if (known !== undefined) return known
    const text = await readText(this.bee as Hyperbee, key)
    this.cache.set(key, text)
    return text === null ? null : (JSON.parse(text) as T)
  }

  put(key: string, value: unknown): void {
    ;(this.entry ?? this.pending).set(key, JSON.stringify(value))
  }

  delete(key: string): void {
    ;(this.entry ?? this.pending).set(key, null)
  }

  /** Writes what is pending into the view as one block batch. `chain` is the end of the log that goes with it. */
  async flush(chain: Buffer): Promise<void> {
    if (this.pending.size > 0) {
      const batch = (this.bee as Hyperbee).batch({ update: false })
      for (const [key, text] of this.pending) {
        if (text === null) await batch.del(key)
        else await batch.put(key, Buffer.from(text))
      }
      await batch.flush()
      for (const [key, text] of this.pending) this.cache.set(key, text)
    }
    this.cacheChain = chain
  }
}

/** ms that a reader waits for a block that is not on this machine. */
export const NETWORK_LIMIT = 5000

/** A value of a bee that is not the one being applied to (a reader's): never waits for the network longer than 5 s. */
export async function readState<T>(bee: Hyperbee, key: string): Promise<T | null> {
  return local(bee, async options => {
    const node = await bee.get(key, options)
    return node ? (JSON.parse(node.value.toString()) as T) : null
  })
}

/** All values below a prefix, with the rest of their keys. */
export async function listState<T>(bee: Hyperbee, prefix: string): Promise<[string, T][]> {
  const range = {
    gte: prefix,
    lt: `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`,
  }
  return local(bee, async options => {
    const out: [string, T][] = []
    for await (const node of bee.createReadStream(range, options))
      out.push([node.key.slice(prefix.length), JSON.parse(node.value.toString()) as T])
    return out
  })
}

/** Asks the network only for what is really not here. */
async function local<T>(
  bee: Hyperbee,
  read: (options: { wait: boolean } | { timeout: number }) => Promise<T>,
): Promise<T> {
  try {
    return await readHere(bee.core, () => read({ wait: false }))
  } catch {}
  try {
    return await read({ timeout: NETWORK_LIMIT })
  } catch (cause) {
    throw new StateReadError(cause)
  }
}

/** For apply itself, which reads the view it writes: it waits as long as it must. */
async function readText(bee: Hyperbee, key: string): Promise<string | null> {
  try {
    const node = await bee.get(key)
    return node ? node.value.toString() : null
  } catch (cause) {
    throw new StateReadError(cause)
  }
}
