/** By our own measures of a fast-forward: the other tests make them smaller. */
import type AutoStore from 'autobase/lib/store.js'
import { expect, test } from 'vitest'
import { connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { isComplete } from './status.ts'

async function write(peer: Peer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await peer.pact.append([{ type: 'note', payload: { text: `n${i}` }, topic: 'tests' }])
}

async function meet(a: Peer, b: Peer): Promise<() => Promise<void>> {
  const cut = connect(a.pact, b.pact)
  await until(
    [a.pact, b.pact],
    async () => a.pact.confirmed === b.pact.confirmed && (await head(a.pact)) === (await head(b.pact)),
  )
  return cut
}

test('a newcomer skips to the newest entries; who only missed as many keeps a history without gaps', async () => {
  const g: Group = await group(3)
  try {
    const [a, b, c] = g.peers as [Peer, Peer, Peer]
    const forwarded: string[] = []
    await write(a, 20)
    const cut = await meet(a, b)
    await cut()
    await write(a, 20)
    for (const peer of [b, c]) peer.pact.base.on('fast-forward', () => forwarded.push(peer.name))
    for (const peer of [b, c]) await meet(a, peer)
    expect(forwarded).toEqual(['p2'])
  } finally {
    await g.dispose()
  }
})

test('a newcomer gets the whole history while others go on writing', async () => {
  const g: Group = await group(2)
  try {
    const [a, b] = g.peers as [Peer, Peer]
    const batch = Array.from({ length: 50 }, (_, i) => ({ type: 'note', payload: { text: `n${i}` }, topic: 'tests' }))
    for (let i = 0; i < 80; i++) await a.pact.append(batch)
    connect(a.pact, b.pact)
    for (let i = 0; i < 100; i++) await write(a, 1)
    await until(b.pact, () => isComplete(b.pact.base))
    await until([a.pact, b.pact], async () => (await head(a.pact)) === (await head(b.pact)))
  } finally {
    await g.dispose()
  }
})

test('the manifest of an indexer whose core is not on this machine is fetched, not left out', async () => {
  const g: Group = await group(2)
  try {
    const [a, b] = g.peers as [Peer, Peer]
    await meet(a, b)
    const core = a.pact.cores.get({ name: 'of an indexer' })
    await core.append(Buffer.from('first block'))
    const { _viewStore: store } = b.pact.base as unknown as { _viewStore: AutoStore }
    expect(await store.getIndexerManifests([{ key: core.key }])).toHaveLength(1)
  } finally {
    await g.dispose()
  }
})
