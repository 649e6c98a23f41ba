import { describe, expect, test } from 'vitest'
import { type Bench, bench, reached } from '../../test/support/index-bench.ts'
import { SimulatedPact } from '../../test/support/simulated-pact.ts'

const notes = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ type: 'note', topic: `t${i % 2}`, payload: { text: `n${i}` } }))

/** A pact of which only the newest 20 entries are on this machine. */
async function joined(n: number): Promise<{ pact: SimulatedPact; b: Bench }> {
  const pact = new SimulatedPact()
  const b = bench([pact])
  pact.append(...notes(n))
  pact.confirm()
  for (let position = 0; position < n - 20; position++) pact.missing.add(position)
  await b.index.opened(pact.pact)
  return { pact, b }
}

describe('a pact whose history is still on its way', () => {
  test('shows the newest entries at once, and nothing of plugins’ tables', async () => {
    const { pact, b } = await joined(3000)
    expect(b.index.progress(pact.pact)).toMatchObject({ indexed: 0, length: 3000, partial: true })
    const page = b.index.entries(pact.pact, { type: 'note', topic: 't1', limit: 5 })
    expect(page.entries.map(({ position }) => position)).toEqual([2999, 2997, 2995, 2993, 2991])
    expect(b.index.entry(pact.pact, '01010101-3000')).toMatchObject({ position: 2999, author: 'claude-aaaaaa' })
    expect(b.index.entry(pact.pact, '01010101-10')).toBeNull()
    expect(b.index.prepare('SELECT * FROM toy_line').all()).toEqual([])
    expect(await b.index.changes(pact.pact, 0, 10)).toEqual([])
    await b.dispose()
  })

  test('goes on as it comes, and ends where a rebuild ends', async () => {
    const { pact, b } = await joined(3000)
    for (let position = 0; position < 1500; position++) pact.missing.delete(position)
    await b.index.applied(pact.pact, [])
    await reached(b.index, () => b.index.progress(pact.pact).indexed === 1500)
    expect(b.index.progress(pact.pact).partial).toBe(true)
    const asc = b.index.entries(pact.pact, { order: 'asc', limit: 1000 })
    expect(asc.entries[999]?.position).toBe(999)
    pact.missing.clear()
    await b.index.applied(pact.pact, [])
    await reached(b.index, () => b.index.progress(pact.pact).indexed === 3000)
    expect(b.index.progress(pact.pact).partial).toBe(false)
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })

  test('an own entry can be read at once', async () => {
    const { pact, b } = await joined(3000)
    const [id] = pact.append({ type: 'note', payload: { text: 'mine' }, writer: 1 })
    await b.index.applied(pact.pact, [(await pact.record(3000))!])
    expect(b.index.entry(pact.pact, id!)).toMatchObject({ position: 3000, payload: { text: 'mine' }, confirmed: false })
    await b.dispose()
  })

  test('what a reorder takes away is not shown any more', async () => {
    const { pact, b } = await joined(3000)
    pact.append(...notes(3))
    await b.index.applied(pact.pact, await Promise.all([3000, 3001, 3002].map(async at => (await pact.record(at))!)))
    pact.reorder<unknown>(3000, tail => tail.slice(1).reverse())
    b.index.reverted(pact.pact, 3000)
    await b.index.applied(pact.pact, [])
    const ids = b.index.entries(pact.pact, { limit: 3 }).entries.map(({ id }) => id)
    expect(ids).toEqual(['01010101-3002', '01010101-3003', '01010101-3000'])
    expect(b.index.entry(pact.pact, '01010101-3001')).toBeNull()
    await b.dispose()
  })

  test('a reorder that nobody announced is noticed too', async () => {
    const { pact, b } = await joined(3000)
    pact.append(...notes(3))
    await b.index.applied(pact.pact, [])
    pact.reorder<unknown>(3000, tail => tail.reverse())
    await b.index.applied(pact.pact, [])
    const ids = b.index.entries(pact.pact, { limit: 3 }).entries.map(({ id }) => id)
    expect(ids).toEqual(['01010101-3001', '01010101-3002', '01010101-3003'])
    await b.dispose()
  })

  test('names that cannot be read yet hold nothing back, and come later', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...notes(600))
    pact.mute = true
    await b.index.sync(pact.pact)
    expect(b.index.progress(pact.pact).indexed).toBe(600)
    expect(b.index.entry(pact.pact, '01010101-600')).toMatchObject({ author: 'unknown-aaaaaa', identity: null })
    pact.mute = false
    await b.reopen()
    await b.index.opened(pact.pact)
    expect(b.index.entry(pact.pact, '01010101-600')).toMatchObject({
      author: 'claude-aaaaaa',
      identity: 'bb'.repeat(32),
    })
    await b.dispose()
  })

  test('rows of an earlier run do not stay', async () => {
    const { pact, b } = await joined(3000)
    await b.reopen()
    pact.missing.clear()
    await b.index.sync(pact.pact)
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })

  test('a missing block in the middle holds back what is above it and nothing else', async () => {
    const pact = new SimulatedPact()
    const b = bench([pact])
    pact.append(...notes(10))
    pact.missing.add(4)
    await b.index.applied(pact.pact, [])
    expect(b.index.progress(pact.pact)).toMatchObject({ indexed: 4, partial: true })
    expect(b.index.entries(pact.pact, { order: 'asc' }).entries.map(({ position }) => position)).toEqual([
      0, 1, 2, 3, 5, 6, 7, 8, 9,
    ])
    pact.missing.clear()
    await b.index.applied(pact.pact, [])
    expect(b.index.dump(pact.pact)).toBe(await b.rebuilt(pact))
    await b.dispose()
  })
})
