/** What the bench says: rows of figures beside their baselines, and the marks it is measured against. */
import { type Latencies, latencies, type Run, rate } from './measure.ts'

export interface Row {
  phase: string
  what: string
  ours: Figure
  raw?: Figure
  /** ours / raw: of the p50 where there are latencies, else of the value. */
  ratio?: number
}

export interface Figure extends Partial<Latencies> {
  value?: number
  unit: string
}

export interface Mark {
  what: string
  limit: number
  /** Whether the value may not be above the limit, or not below. */
  sense: 'at most' | 'at least'
  value: number
  unit: string
  met: boolean
}

/** Latencies of runs. */
export function timed(...runs: Run[]): Figure {
  return { ...latencies(runs.flatMap(({ times }) => times)), unit: 'ms' }
}

/** Calls per second over all runs, with their latencies. */
export function paced(...runs: Run[]): Figure {
  return { ...latencies(runs.flatMap(({ times }) => times)), value: rate(runs), unit: '/s' }
}

export class Report {
  readonly rows: Row[] = []
  readonly marks: Mark[] = []
  readonly #phase: () => string

  /** @param phase name of the phase under way */
  constructor(phase: () => string) {
    this.#phase = phase
  }

  row(what: string, ours: Figure, raw?: Figure): Row {
    const [mine, theirs] = [ours.value ?? ours.p50, raw && (raw.value ?? raw.p50)]
    const ratio = mine !== undefined && theirs !== undefined ? mine / theirs : undefined
    const row: Row = { phase: this.#phase(), what, ours, raw, ratio }
    this.rows.push(row)
    const beside = raw ? `   raw ${shown(raw)}   ratio ${ratio === undefined ? '' : number(ratio)}` : ''
    console.log(`  ${what.padEnd(34)} ${shown(ours)}${beside}`)
    return row
  }

  mark(what: string, value: number, sense: Mark['sense'], limit: number, unit: string): void {
    const met = sense === 'at most' ? value <= limit : value >= limit
    this.marks.push({ what, limit, sense, value, unit, met })
  }

  /** Prints the marks. */
  close(): void {
    console.log('\nMarks')
    for (const { what, limit, sense, value, unit, met } of this.marks) {
      console.log(`  ${met ? 'met   ' : 'MISSED'} ${what}: ${number(value)} ${unit} (${sense} ${limit} ${unit})`)
    }
  }
}

function shown({ p50, p95, p99, value, unit }: Figure): string {
  const parts: string[] = []
  if (value !== undefined) parts.push(`${number(value)} ${unit}`)
  if (p50 !== undefined) parts.push(`p50/p95/p99 ${[p50, p95, p99].map(number).join(' / ')} ms`)
  return parts.join(', ')
}

function number(value = Number.NaN): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3)
}
