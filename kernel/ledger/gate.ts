/**
 * Who may replicate: the seats of the applied and of the confirmed view. Kept in memory and in a small file, because after a
 * fast-forward the view is sparse and a gate that waits for a block would never open.
 */
import { readFile } from 'node:fs/promises'
import type Hyperbee from 'hyperbee'
import { replaceFile } from '../replace-file.ts'
import type { Standing } from '../replication/replicated.ts'
import type { IndexerRow, Seat } from './seats.ts'
import { listState, readState } from './state.ts'

interface SeatSets {
  /** Noise key → identity, hex. */
  applied: Record<string, string>
  confirmed: Record<string, string>
  gone: string[]
  /** Identity (hex) of a member that said that this machine was removed; nothing when nobody did, or it is served again. */
  dismissed?: string
}

export class Gate {
  private sets: SeatSets = { applied: {}, confirmed: {}, gone: [] }
  /** Entries stood here once. */
  known = false
  private readonly file: string

  constructor(file: string) {
    this.file = file
  }

  async load(): Promise<void> {
    try {
      this.sets = JSON.parse(await readFile(this.file, 'utf8')) as SeatSets
      this.known = true
    } catch {
      // Absent or torn: it is derived, and read anew from the view.
    }
  }

  /** Reads the sets anew. Keeps the former ones when a block is missing. */
  async refresh(applied: Hyperbee, confirmed: Hyperbee | null): Promise<void> {
    // Whoever confirms entries is not cut off before what removes it is confirmed: nobody else could confirm that.
    const confirming = confirmed ? await indexersIn(confirmed) : {}
    const next = {
      applied: { ...(await seatsIn(applied)), ...confirming },
      confirmed: confirmed ? await seatsIn(confirmed) : {},
      gone: (await listState<1>(applied, 'k/gone/')).map(([key]) => key).filter(key => !(key in confirming)),
    }
    this.known = Object.keys(next.applied).length > 0
    this.keep({ ...this.sets, ...next })
  }

  /** Identity (hex) of the member that said that this machine was removed. */
  get dismissed(): string | null {
    return this.sets.dismissed ?? null
  }

  /** @param by Noise key of a member, or null when one let this machine in */
  dismiss(by: Buffer | null): void {
    const { dismissed: _before, ...sets } = this.sets
    const identity = by && this.sets.confirmed[by.toString('hex')]
    // Anybody may say so; it is a member's word that counts.
    if (by === null || identity) this.keep(identity ? { ...sets, dismissed: identity } : sets)
  }

  private keep(next: SeatSets): void {
    if (JSON.stringify(next) === JSON.stringify(this.sets)) return
    this.sets = next
    replaceFile(this.file, JSON.stringify(next))
  }

  /** `empty`: no seat was ever read here, of a newcomer that has nothing yet, or only the newest blocks. */
  standing(noise: Buffer): Standing {
    const key = noise.toString('hex')
    if (this.sets.gone.includes(key)) return 'removed'
    if (!this.known) return 'empty'
    return key in this.sets.applied && key in this.sets.confirmed ? 'member' : 'unknown'
  }

  identityOf(noise: Buffer): string | null {
    const key = noise.toString('hex')
    return this.sets.applied[key] ?? this.sets.confirmed[key] ?? null
  }
}

async function seatsIn(bee: Hyperbee): Promise<Record<string, string>> {
  const seats = await listState<Seat>(bee, 'k/m/')
  return Object.fromEntries(seats.map(([, seat]) => [seat.noise, seat.identity]))
}

async function indexersIn(bee: Hyperbee): Promise<Record<string, string>> {
  const { writers } = (await readState<IndexerRow>(bee, 'k/indexers')) ?? { writers: [] }
  const seats = await Promise.all(writers.map(writer => readState<Seat>(bee, `k/m/${writer}`)))
  return Object.fromEntries(seats.flatMap(seat => (seat ? [[seat.noise, seat.identity]] : [])))
}
