/** One process that writes as fast as it can is killed and started again, over and over: what it acknowledged must all be there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Book } from './book.ts'
import { faultsOf } from './checks.ts'
import { randomItem } from './items.ts'
import { Gone, ProcessPeer } from './peer.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'
import { withinTime } from './waiting.ts'

/** ms in which a round's writes must be answered. */
const ROUND = 60_000

/** Callers that write at the same time. */
const CALLERS = 6

export async function writes(seed: number, rounds: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  const book = new Book()
  const root = await mkdtemp(join(tmpdir(), 'soak-writes-'))
  const peer = new ProcessPeer(root, 'p0')
  peer.ondied = reason => book.faults.push(reason)
  let faults: string[] = []
  let marks = 0
  let kills = 0
  try {
    await peer.start()
    await peer.call('found')
    for (let round = 1; round <= rounds; round++) {
      const before = book.acked.size
      const target = before + prng.int(1, 150)
      const { life } = peer
      let reached = () => {}
      const enough = new Promise<void>(resolve => {
        reached = resolve
      })
      const caller = async () => {
        while (peer.life === life) {
          const items = Array.from({ length: prng.chance(0.3) ? prng.int(2, 20) : 1 }, () =>
            randomItem(prng, `u${++marks}`),
          )
          book.ask(items)
          book.answer(items, await peer.call('write', items, prng.chance(0.1) ? 1000 : 0))
          if (book.acked.size >= target) reached()
        }
      }
      const callers = Array.from({ length: CALLERS }, () =>
        caller().catch(error => {
          if (error instanceof Gone) return
          book.faults.push(`a write failed: ${error.message}`)
          reached()
        }),
      )
      if (!(await withinTime(enough, ROUND))) book.faults.push(`a round was not answered within ${ROUND / 1000} s`)
      // Not at the moment of an answer, when everything has just been written, but anywhere between two.
      await pause(prng.int(0, 25))
      await peer.kill()
      kills++
      await Promise.all(callers)
      await peer.start()
      book.look(await peer.call('look'), 'p0')
      faults = faultsOf(new Map([['p0', await peer.call('report')]]), book)
      progress(
        `round ${round}: ${book.acked.size - before} acknowledged, ${faults.length === 0 ? 'all there' : faults[0]}`,
      )
      if (faults.length > 0) break
    }
    await peer.stop()
  } catch (error) {
    faults = [...book.faults, error instanceof Error ? error.message : String(error)]
    await peer.kill()
  }
  if (faults.length === 0) await rm(root, { recursive: true, force: true })
  return {
    seed,
    faults,
    entries: book.acked.size,
    closes: 1,
    kills,
    reverts: 0,
    nudges: 0,
    repairs: 0,
    waits: 0,
    ms: Math.round(performance.now() - started),
    kept: faults.length > 0 ? root : null,
  }
}
