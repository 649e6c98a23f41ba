/** What must hold when all peers of a run are joined and at rest. Answers the faults in plain words. */
import { isDeepStrictEqual } from 'node:util'
import type { Book } from './book.ts'
import { mustBeTold } from './derived.ts'
import { judgeAll } from './items.ts'
import type { Report } from './report.ts'

export function faultsOf(reports: Map<string, Report>, book: Book): string[] {
  const faults = [...book.faults]
  const [[firstName, first]] = reports as unknown as [[string, Report]]
  for (const [name, report] of reports) {
    faults.push(...alone(report).map(fault => `${name}: ${fault}`))
    if (report === first) continue
    const apart = firstDifference(first.log.map(chainOf), report.log.map(chainOf))
    if (apart !== null) faults.push(`${name} and ${firstName} differ from position ${apart} on`)
    if (!isDeepStrictEqual(report.state, first.state))
      faults.push(`${name} and ${firstName} hold different state: ${keysApart(report.state, first.state)}`)
  }
  for (const [name, { derived }] of reports)
    if (derived.dump !== first.derived.dump)
      faults.push(`${name} and ${firstName} made different indexes of the same log`)
  faults.push(...ofHistory(first), ...ofPromises(first, book))
  return faults
}

const chainOf = (line: { chain: string }) => line.chain

/** One peer by itself: complete, confirmed to the end, told in full by hooks and receipts. */
function alone({ length, confirmed, log, told, receipts, health, derived, faults }: Report): string[] {
  const found = [...faults, ...told.faults, ...health.problems, ...derived.faults]
  if (confirmed !== length) found.push(`confirmed to ${confirmed} of ${length}`)
  const apart = firstDifference(
    log.map((line, i) => (told.chain[i] === null ? null : line.chain)),
    told.chain,
  )
  if (apart !== null) found.push(`the hooks told another log than there is, from position ${apart} on`)
  if (told.confirmed !== confirmed) found.push(`the hooks told ${told.confirmed} confirmed, it is ${confirmed}`)
  const expected = mustBeTold(log, derived.since)
  const event = firstDifference(derived.told, expected)
  if (event !== null) found.push(`events tell ${derived.told[event]} where ${expected[event]} happened`)
  for (const { id, position, verdict, confirmed } of receipts) {
    const line = log[position]
    if (line?.id !== id) found.push(`the receipt of ${id} says position ${position}, where ${line?.id} stands`)
    else if (line.verdict !== verdict) found.push(`the receipt of ${id} says ${verdict}, the log ${line.verdict}`)
    if (!confirmed) found.push(`the receipt of ${id} is not confirmed`)
  }
  return found
}

/** The final log by itself: nothing twice, no number left out, every verdict and the state as the rules have it. */
function ofHistory({ log, state }: Report): string[] {
  const found: string[] = []
  const marks = new Set<string>()
  const numbers = new Map<string, number>()
  for (const { id, n, writer, item } of log) {
    const expected = (numbers.get(writer) ?? 0) + 1
    if (n !== expected) found.push(`${id} stands where ${expected} was that writer's next`)
    numbers.set(writer, n)
    if (item && marks.has(item.u)) found.push(`the entry ${item.u} is there twice, again as ${id}`)
    if (item) marks.add(item.u)
  }
  const judged = judgeAll(log)
  for (const [i, { id, verdict, type }] of log.entries()) {
    const expected = judged.verdicts[i] ?? 'accepted'
    if (verdict !== expected) found.push(`${id} (${type}) was judged ${verdict}, must be ${expected}`)
  }
  const own = Object.entries(state).filter(([key]) => key.startsWith('p/soak/'))
  const kept = Object.fromEntries(own.map(([key, value]) => [key.slice('p/soak/'.length), value]))
  if (!isDeepStrictEqual(kept, judged.state)) found.push(`the rules' state is wrong: ${keysApart(kept, judged.state)}`)
  return found
}

/** The final log against what was asked and acknowledged. */
function ofPromises({ log }: Report, book: Book): string[] {
  const found: string[] = []
  const byId = new Map(log.map((line, position) => [line.id, { ...line, position }]))
  for (const { id, item } of log) {
    if (!item) continue
    const asked = book.asked.get(item.u)
    if (!asked) found.push(`nobody asked for ${id} (${item.u})`)
    else if (!isDeepStrictEqual(asked.item, item)) found.push(`${id} is not what was asked for`)
  }
  for (const [id, u] of book.acked) {
    const line = byId.get(id)
    if (!line) found.push(`${id} was acknowledged and is lost`)
    else if (line.item?.u !== u) found.push(`${id} was acknowledged for ${u} and holds ${line.item?.u}`)
  }
  for (const [id, promised] of book.confirmed) {
    const line = byId.get(id)
    if (line && (line.position !== promised.position || line.verdict !== promised.verdict))
      found.push(
        `${id} was confirmed at ${promised.position} ${promised.verdict}, stands at ${line.position} ${line.verdict}`,
      )
  }
  for (const [length, chain] of book.floors)
    if (log[length - 1]?.chain !== chain)
      found.push(`the history that was confirmed to ${length} is not the one that stayed`)
  return found
}

function firstDifference(a: readonly unknown[], b: readonly unknown[]): number | null {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i
  return null
}

function keysApart(a: Record<string, unknown>, b: Record<string, unknown>): string {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  const apart = keys.filter(key => !isDeepStrictEqual(a[key], b[key]))
  return apart
    .slice(0, 3)
    .map(key => `${key} ${JSON.stringify(a[key])} / ${JSON.stringify(b[key])}`)
    .join(', ')
}
