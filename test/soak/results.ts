/** Results of a long soak, one JSON line each: a run that was broken off goes on where it stopped. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Outcome } from './run.ts'

export class Results {
  readonly all: Outcome[] = []
  private readonly file: string | null

  /** @param file null keeps the results in memory only */
  constructor(file: string | null) {
    this.file = file
    if (!file || !existsSync(file)) return
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    this.all.push(...lines.map(line => JSON.parse(line) as Outcome))
  }

  has(seed: number): boolean {
    return this.all.some(outcome => outcome.seed === seed)
  }

  add(outcome: Outcome): void {
    this.all.push(outcome)
    if (this.file) appendFileSync(this.file, `${JSON.stringify(outcome)}\n`)
  }

  get failed(): Outcome[] {
    return this.all.filter(outcome => outcome.faults.length > 0)
  }

  /** The whole as a table of a few lines. */
  table(): string {
    const sum = (pick: (outcome: Outcome) => number) => this.all.reduce((total, outcome) => total + pick(outcome), 0)
    const rows: [string, number | string][] = [
      ['runs', this.all.length],
      ['clean', this.all.length - this.failed.length],
      ['failed', this.failed.length],
      ['entries', sum(o => o.entries)],
      ['closes', sum(o => o.closes)],
      ['kills', sum(o => o.kills)],
      ['reorders seen', sum(o => o.reverts)],
      ['runs that needed one more entry to confirm', this.all.filter(o => o.nudges > 0).length],
      ['runs in which health repaired', this.all.filter(o => o.repairs > 0).length],
      ['writes that waited for blocks of others', sum(o => o.waits)],
      ['seconds', Math.round(sum(o => o.ms) / 1000)],
    ]
    return rows.map(([name, value]) => `  ${name.padEnd(44)}${String(value).padStart(8)}`).join('\n')
  }
}
