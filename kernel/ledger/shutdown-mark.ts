/**
 * Remembers, across a power loss, who may hold more of this machine's own core than the disk does.
 *
 * Appends are not flushed to the disk one by one. After a power loss the store may stand at an earlier state, and writing on from
 * there would make a second history under one key. Only machines that replicated with this one since its last clean close can hold
 * what was lost, so their Noise keys are kept in `met.json`, on the disk before the first byte goes to them. A clean close flushes
 * the store and takes the file away; one with the boot id of now needs no check, because the system's cache outlives a process.
 */
import { readFileSync, rmSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { replaceFile } from '../replace-file.ts'

interface Mark {
  boot: string
  /** Noise keys (hex) met since the last clean close; '' stands for one that is not known. */
  met: string[]
  /** Of an earlier boot: still to be asked before anything is appended. */
  doubt: string[]
  /** Blocks of the own core once all were asked; null before. It is opened anew with them, and only then it shows whether they were kept. */
  whole: number | null
  /** Key (hex) of the own core once it was found that nobody has its end; null before. */
  lost: string | null
}

/** Seconds by which the boot time of a system without boot ids may drift. */
const DRIFT = 30

/** Names the running boot of the system. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return `up:${Math.round(Date.now() / 1000 - uptime())}`
  }
}

/** Whether two ids name one boot. */
export function sameBoot(a: string, b: string): boolean {
  if (!a.startsWith('up:') || !b.startsWith('up:')) return a === b
  return Math.abs(Number(a.slice(3)) - Number(b.slice(3))) <= DRIFT
}

export class ShutdownMark {
  private readonly file: string
  private readonly store: string
  private readonly mark: Mark

  /** @param folder the pact's own; its store is in `store/` below */
  constructor(folder: string, boot = bootId()) {
    this.file = join(folder, 'met.json')
    this.store = join(folder, 'store', 'db')
    const earlier = readMark(this.file)
    const doubt = [...new Set([...earlier.doubt, ...earlier.met])]
    this.mark = sameBoot(earlier.boot, boot) ? earlier : { ...earlier, met: [], doubt, whole: null }
  }

  /** Blocks that the own core had when all of `doubt` had been asked, earlier in this boot; null when they were not. */
  get whole(): number | null {
    return this.mark.whole
  }

  /** Key (hex) of the own core whose end nobody has: it is never appended to again. */
  get lost(): string | null {
    return this.mark.lost
  }

  /** Noise keys (hex) of machines that must be asked before this one may append; '' is one that is not known. */
  get doubt(): ReadonlySet<string> {
    return new Set(this.mark.doubt)
  }

  /** Before anything is sent to a machine. On the disk when it returns. */
  meet(noise: string): void {
    if (this.mark.met.includes(noise)) return
    this.mark.met.push(noise)
    this.write()
  }

  /** All were asked, and the own core has this many blocks, in memory at least. */
  asked(length: number): void {
    this.write({ whole: length })
  }

  /** All were asked, and nobody has the end of the own core (its key, hex). */
  lose(key: string): void {
    this.write({ lost: key })
  }

  /** All were asked, and what they had is kept. */
  settle(): void {
    this.write({ doubt: [], whole: null, lost: null })
  }

  /** Another core took the place of the lost one: first that must be on the disk, or the next start could write to the lost one. */
  async rotated(): Promise<void> {
    await flushLogs(this.store)
    this.settle()
  }

  /** After the store was closed: flushes it, then there is nothing left to remember. */
  async close(): Promise<void> {
    if (this.mark.met.length === 0) return
    await flushLogs(this.store)
    this.mark.met = []
    if (this.mark.doubt.length > 0) this.write()
    else rmSync(this.file, { force: true })
  }

  private write(change: Partial<Mark> = {}): void {
    Object.assign(this.mark, change, { boot: bootId() })
    replaceFile(this.file, JSON.stringify(this.mark))
  }
}

function readMark(file: string): Mark {
  const none: Mark = { boot: '', met: [], doubt: [], whole: null, lost: null }
  try {
    const { boot, met, doubt, whole, lost } = JSON.parse(readFileSync(file, 'utf8')) as Mark
    const names = { met: met.map(String), doubt: doubt.map(String) }
    return { boot: String(boot), ...names, whole: whole ?? null, lost: lost ?? null }
  } catch (error) {
    // It is written whole or not at all, so somebody else damaged it: whoever comes first is asked.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? none : { ...none, met: [''] }
  }
}

/** RocksDB flushes its tables itself; what was written last stands in its logs alone. */
async function flushLogs(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter(name => name.endsWith('.log'))
  await Promise.all(
    logs.map(async name => {
      const file = await open(join(folder, name), 'r')
      try {
        await file.datasync()
      } finally {
        await file.close()
      }
    }),
  )
}
