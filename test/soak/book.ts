/** What was asked for and what was promised: the measure of every run. */
import type { Acked, Look } from './actor.ts'
import type { Item } from './items.ts'

export class Book {
  /** Items by their mark, with the id that was answered; no id when the answer never came. */
  readonly asked = new Map<string, { item: Item; id: string | null }>()
  /** Ids that were acknowledged, with the item's mark. */
  readonly acked = new Map<string, string>()
  /** What was once called confirmed. */
  readonly confirmed = new Map<string, { position: number; verdict: string }>()
  /** Chain (hex) by confirmed length. */
  readonly floors = new Map<number, string>()
  readonly faults: string[] = []

  ask(items: Item[]): void {
    for (const item of items) this.asked.set(item.u, { item, id: null })
  }

  answer(items: Item[], receipts: Acked[]): void {
    if (receipts.length !== items.length)
      this.faults.push(`${items.length} entries were answered with ${receipts.length}`)
    for (const [i, item] of items.entries()) {
      const receipt = receipts[i]
      if (!receipt) continue
      if (this.acked.has(receipt.id)) this.faults.push(`the id ${receipt.id} was given to two entries`)
      this.acked.set(receipt.id, item.u)
      this.asked.set(item.u, { item, id: receipt.id })
      if (receipt.confirmed) this.confirm(receipt.id, receipt.position, receipt.verdict)
    }
  }

  look({ confirmed, floor }: Look, who: string): void {
    for (const [id, position, verdict] of confirmed) this.confirm(id, position, verdict)
    if (!floor) return
    const known = this.floors.get(floor.length)
    if (known !== undefined && known !== floor.chain)
      this.faults.push(`${who} holds another confirmed history than was seen before, at length ${floor.length}`)
    this.floors.set(floor.length, floor.chain)
  }

  private confirm(id: string, position: number, verdict: string): void {
    const known = this.confirmed.get(id)
    if (known && (known.position !== position || known.verdict !== verdict))
      this.faults.push(`${id} was confirmed at ${known.position} ${known.verdict}, then at ${position} ${verdict}`)
    this.confirmed.set(id, { position, verdict })
  }
}
