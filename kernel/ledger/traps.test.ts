// Traps of membership.md that are the ledger's; the network's are in kernel/replication, the door's in plugins/invites.
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fastForwardEarly } from '../../test/support/fast-forward.ts'
import { connect, type Group, group, Peer, until } from '../../test/support/ledgers.ts'
import { doorTopic } from '../replication/topics.ts'
import { ACCEPTED } from './entry.ts'
import { applicationOf } from './seats.ts'

fastForwardEarly()

const groups: Group[] = []
async function peers(count: number): Promise<Peer[]> {
  const g = await group(count)
  groups.push(g)
  return g.peers
}
afterEach(async () => {
  for (const g of groups.splice(0)) await g.dispose()
})
const note = (text: string) => ({ type: 'note', payload: { text } })

test('trap 9: after a fast-forward the gate knows the members without reading the sparse view', async () => {
  const [a] = await peers(1)
  for (let i = 0; i < 40; i++) await a!.pact.append([note(`${i}`)])
  const b = (await peers(1))[0]!
  await b.store.remove(b.pact.id)
  const { writer } = await b.store.prepare('00')
  const payload = { ...applicationOf(b.identity, doorTopic(a!.pact.key), writer), via: { kind: 'test' } }
  await a!.pact.append([{ type: 'member.add', payload }])
  await b.store.open('00', { key: a!.pact.key, encryptionKey: a!.pact.encryptionKey }, { alias: 'test' })
  expect(await b.pact.standing(a!.identity.device)).toBe('empty')
  const known = new Promise<void>(resolve => {
    const undo = b.pact.onChange(async () => {
      if ((await b.pact.standing(a!.identity.device)) !== 'member') return
      undo()
      resolve()
    })
  })
  const cut = connect(a!.pact, b.pact)
  await known
  await cut()
  await b.close()
  await b.open()
  expect(await b.pact.standing(a!.identity.device)).toBe('member')
  expect(await b.pact.standing(Buffer.alloc(32, 9))).toBe('unknown')
})

test('trap 10: a copy of a store is refused instead of forking its writer', async () => {
  const [a] = await peers(1)
  await a!.pact.append([note('before the copy')])
  await a!.close()
  const copy = new Peer('copy', `${a!.dir}-copy`, a!.rules, [])
  await cp(a!.dir, copy.dir, { recursive: true })
  await copy.open()
  expect(copy.store.list()).toEqual([])
  expect([...copy.store.failed.values()].map(e => e.code)).toEqual(['PACT_MOVED'])
  await copy.close()
  await rm(copy.dir, { recursive: true })
  await a!.open()
  expect((await a!.pact.append([note('after')]))[0]?.verdict).toBe(ACCEPTED)
})

test('trap 11: opening and closing leaves no preallocated files behind', async () => {
  const [a] = await peers(1)
  const { readdir, stat } = await import('node:fs/promises')
  await a!.close()
  const folder = join(a!.dir, 'pacts')
  let blocks = 0
  for (const file of await readdir(folder, { recursive: true })) blocks += (await stat(join(folder, file))).blocks
  expect(blocks * 512).toBeLessThan(5 * 1024 * 1024)
  await a!.open()
})

test('own entries that were lost with the seat stay readable as orphaned', async () => {
  const [a, b] = await peers(2)
  const [kept] = await b!.pact.append([note('shared in time')])
  const cut = connect(a!.pact, b!.pact)
  await until(a!.pact, () => a!.pact.length === b!.pact.length)
  await until(b!.pact, () => b!.pact.confirmed === b!.pact.length)
  await cut()
  const lost = [(await b!.pact.append([note('late 1')]))[0]!, (await b!.pact.append([note('late 2')]))[0]!]
  const identity = b!.identity.key.toString('hex')
  const [removal] = await a!.pact.append([{ type: 'member.remove', payload: { identity } }])
  expect(removal?.verdict).toBe(ACCEPTED)
  connect(a!.pact, b!.pact)
  await until(b!.pact, () => !b!.pact.base.writable)
  const orphans = await b!.pact.orphans()
  expect(orphans.map(o => [o.id, o.verdict])).toEqual(lost.reverse().map(r => [r.id, 'orphaned']))
  expect(orphans[0]?.entry?.payload.toString()).toBe('{"text":"late 2"}')
  expect((await b!.pact.status()).orphaned).not.toContain(kept!.id)
  await expect(b!.pact.append([note('no')])).rejects.toMatchObject({ code: 'MEMBER_REMOVED' })
})
