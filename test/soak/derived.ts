/** What the plugins made of the log: the read model beside a rebuild of it, and the outbox with its corrections folded in. */
import type { Kernel, Pact } from '../../kernel/index.ts'
import { CORRECTION, ENTRY_APPLIED, events, type PactEvent } from '../../plugins/events/service.ts'
import { readModel } from '../../plugins/read-model/service.ts'
import type { Line } from './report.ts'
import { changeOf } from './tables.ts'

export interface Derived {
  /** The read model as it is, in canonical text. */
  dump: string
  /** Position, kind and subject of every event that still holds, in the order of the outbox. */
  told: string[]
  /** First position that events were told for. */
  since: number
  faults: string[]
}

export async function derivedOf(kernel: Kernel, pact: Pact): Promise<Derived> {
  const faults: string[] = []
  const model = kernel.use(readModel)
  const outbox = kernel.use(events)
  await model.sync(pact)
  await outbox.settled(pact)
  const all: PactEvent[] = []
  for (let page = outbox.after(0, { limit: 500 }); page.length > 0; ) {
    all.push(...page)
    page = outbox.after(page.at(-1)?.seq ?? 0, { limit: 500 })
  }
  const standing = fold(all, faults)
  const dump = model.dump(pact)
  const { rebuilds, indexed } = model.progress(pact)
  if (rebuilds > 0) faults.push(`the index differed from confirmed history ${rebuilds} times`)
  if (indexed !== pact.length) faults.push(`${indexed} of ${pact.length} entries are indexed`)
  await model.rebuild()
  await model.sync(pact)
  const rebuilt = model.dump(pact)
  if (rebuilt !== dump) faults.push(`the index differs from a rebuild: ${lineApart(dump, rebuilt)}`)
  await outbox.settled(pact)
  if (outbox.head() !== (all.at(-1)?.seq ?? 0)) faults.push('rebuilding the index told events')
  const me = pact.writer.toString('hex')
  const since = (await pact.members()).find(({ writer }) => writer === me)?.since ?? 0
  const told = standing.map(({ position, kind, subject_id }) => `${position} ${kind} ${subject_id}`)
  return { dump, told, since: since + 1, faults }
}

/** Events without those that were taken back. */
function fold(all: readonly PactEvent[], faults: string[]): PactEvent[] {
  const standing = new Map<string, PactEvent>()
  for (const event of all) {
    if (event.kind === CORRECTION) {
      const taken = standing.get(event.corrects ?? '')
      if (!taken) faults.push(`event ${event.seq} takes back what does not stand`)
      else if (!taken.stale) faults.push(`event ${taken.seq} was taken back and is not marked`)
      standing.delete(event.corrects ?? '')
    } else {
      if (standing.has(event.id)) faults.push(`event ${event.seq} was told twice`)
      standing.set(event.id, event)
    }
  }
  for (const event of standing.values())
    if (event.stale) faults.push(`event ${event.seq} stands and is marked as taken back`)
  return [...standing.values()].sort((a, b) => a.seq - b.seq)
}

/** What must have been told of a log from a position on. */
export function mustBeTold(log: readonly Line[], since: number): string[] {
  return log.slice(since).flatMap(({ id, item, verdict }, i) => {
    const change = item && verdict === 'accepted' ? changeOf(item) : null
    const entry = `${since + i} ${ENTRY_APPLIED} ${id}`
    return change ? [entry, `${since + i} ${change.kind} ${change.id}`] : [entry]
  })
}

function lineApart(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')]
  const at = left.findIndex((line, i) => line !== right[i])
  return `${left[at]} / ${right[at]}`.slice(0, 300)
}
