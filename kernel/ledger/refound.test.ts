import { afterEach, expect, test } from 'vitest'
import { admit, connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { defineRules } from '../rules.ts'
import { follow, joinBlocks, takeBlock } from './carried.ts'
import { ACCEPTED, type LogRecord } from './entry.ts'
import { IMPORT, verifyEntry } from './envelope.ts'
import type { Ledger } from './ledger.ts'
import { entryBytesOf } from './record.ts'

const groups: Group[] = []
afterEach(async () => {
  for (const g of groups.splice(0)) await g.dispose()
})

const counting = defineRules({
  protocol: 1,
  types: ['count'],
  carries: true,
  async reduce(_entry, { state }) {
    await state.put('n', ((await state.get<number>('n')) ?? 0) + 1)
  },
})
const note = (text: string) => ({ type: 'note', payload: { text } })
const blocksOf = async (pact: Ledger) =>
  Promise.all(Array.from({ length: pact.length }, async (_, i) => (await pact.block(i)) as Buffer))
const recordsOf = async (pact: Ledger) =>
  Promise.all(Array.from({ length: pact.length }, async (_, i) => (await pact.record(i)) as LogRecord))
const told = ({ id, n, verdict, writer, hash, entry }: LogRecord) => ({
  id,
  n,
  verdict,
  writer: writer.toString('hex'),
  hash: hash.toString('hex'),
  agent: entry?.agent.toString('hex'),
  payload: entry?.payload.toString(),
})
const importing = async (pact: Ledger, blocks: Buffer[]) =>
  (await pact.append([{ type: IMPORT, enc: 'records', payload: joinBlocks(blocks) }]))[0]?.verdict

/** Two members with entries of both, one of them refused. */
async function lived(): Promise<[Peer, Peer]> {
  const g = await group(2, { rules: { counting }, types: ['count'] })
  groups.push(g)
  const [a, b] = g.peers as [Peer, Peer]
  const cut = connect(a.pact, b.pact)
  const big = { type: 'note', payload: { text: 'x'.repeat(65_000) } }
  await b.pact.append([note('of b'), { type: 'count', payload: {} }, big])
  await a.pact.append([
    { type: 'admin.revoke', payload: { identity: '00'.repeat(32) } },
    { type: 'count', payload: {} },
  ])
  await until([a.pact, b.pact], async () => a.pact.length === 7 && (await head(a.pact)) === (await head(b.pact)))
  await cut()
  return [a, b]
}

async function refound(peer: Peer, old: Ledger): Promise<Ledger> {
  const chain = Buffer.from(await head(old), 'hex')
  return peer.store.create({ name: 'again', alias: 'again', refounds: { key: old.key, chain, length: old.length } })
}

test('a pact carries on the log of another: ids, authors, verdicts, signatures and state, on every machine', async () => {
  const [a, b] = await lived()
  const old = b.pact
  const before = await recordsOf(old)
  const blocks = await blocksOf(old)
  const pact = await refound(b, old)
  expect(await importing(pact, blocks.slice(0, 2))).toBe(ACCEPTED)
  expect(await importing(pact, blocks.slice(2))).toBe(ACCEPTED)
  expect(await importing(pact, blocks.slice(6))).toBe('import-complete')
  expect(await pact.state('counting').get('n')).toBe(2)

  const carried = (await recordsOf(pact)).filter(record => record.carried)
  expect(carried.map(told)).toEqual(before.map(told))
  expect(carried.some(record => record.verdict !== ACCEPTED)).toBe(true)
  for (const { carried: key, entry, position, writer } of carried) {
    expect(key?.equals(old.key)).toBe(true)
    expect(verifyEntry(entryBytesOf((await pact.block(position)) as Buffer), entry!, key!, writer)).toBe(true)
    expect(await pact.agentByKey(entry!.agent.toString('hex'))).toMatchObject({ identity: expect.any(String) })
  }
  expect((await pact.agents()).map(agent => agent.identity)).toEqual([b.identity.key.toString('hex')])

  // Another machine, by replication and over a restart, comes to the same.
  await a.store.remove(old.id)
  await admitTo(pact, b, a)
  const cut = connect(pact, a.pact)
  await until(a.pact, async () => (await head(a.pact)) === (await head(pact)))
  expect(await a.pact.state('counting').get('n')).toBe(2)
  await a.pact.append([{ type: 'count', payload: {} }])
  await until(pact, async () => (await head(a.pact)) === (await head(pact)))
  await cut()

  // The log of such a pact can be exported and verified like any other, those from before it included.
  const log = follow(pact.key)
  const agents = new Map<string, { identity: string; name: string }>()
  const known = { get: (key: string) => agents.get(key) ?? null, put: agents.set.bind(agents) as never }
  for (const block of await blocksOf(pact)) expect(await takeBlock(log, known, block)).not.toBeTypeOf('string')
  expect(log).toMatchObject({ done: pact.length, at: await head(pact) })
})

test('what the named log does not hold is not carried over, whatever is claimed', async () => {
  const [, b] = await lived()
  const old = b.pact
  const blocks = await blocksOf(old)
  const pact = await refound(b, old)
  expect(await importing(pact, blocks.slice(1))).toBe('chain-broken')
  for (let at = 0; at < (blocks[0] as Buffer).length; at += 211) {
    const torn = Buffer.from(blocks[0] as Buffer)
    torn[at]! ^= 1
    expect(['chain-broken', 'record-malformed']).toContain(await importing(pact, [torn]))
  }
  const junk = await pact.append([{ type: IMPORT, enc: 'records', payload: Buffer.from('junk') }])
  expect(junk[0]?.verdict).toBe('payload-invalid')
  const plain = await old.append([{ type: IMPORT, enc: 'records', payload: joinBlocks(blocks) }])
  expect(plain[0]?.verdict).toMatch('not-authorised')
  expect(await importing(pact, blocks)).toBe(ACCEPTED)
})

async function admitTo(pact: Ledger, member: Peer, peer: Peer): Promise<void> {
  const view = Object.create(member, { pact: { value: pact } }) as Peer
  await admit(view, peer)
}
