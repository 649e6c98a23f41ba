import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { admit, connect, type Group, group, head, type Peer, until } from '../../test/support/ledgers.ts'
import { doorTopic } from '../replication/topics.ts'
import { defineRules } from '../rules.ts'
import { ACCEPTED } from './entry.ts'
import { applicationOf } from './seats.ts'

const groups: Group[] = []
async function peers(...args: Parameters<typeof group>): Promise<Peer[]> {
  const g = await group(...args)
  groups.push(g)
  return g.peers
}
afterEach(async () => {
  for (const g of groups.splice(0)) await g.dispose()
})

const note = (text: string) => ({ type: 'note', payload: { text } })
const counting = defineRules({
  protocol: 1,
  types: ['count'],
  async reduce(_entry, { state }) {
    await state.put('n', ((await state.get<number>('n')) ?? 0) + 1)
  },
})
const same = (a: Peer, b: Peer) => async () =>
  a.pact.length === b.pact.length && (await head(a.pact)) === (await head(b.pact))
const verdict = async (peer: Peer, type: string, payload: unknown) =>
  (await peer.pact.append([{ type, payload }], { until: 'confirmed' }))[0]?.verdict

async function amend(peer: Peer, change: object): Promise<string | undefined> {
  const row = await peer.pact.charter()
  return verdict(peer, 'pact.amend', { base: (row?.proposed ?? row)?.hash, change })
}

test('an amendment must carry the hash of the charter it amends', async () => {
  const [a] = await peers(1)
  const stale = (await a!.pact.charter())?.hash
  expect(await amend(a!, { name: 'renamed', types: ['note'] })).toBe(ACCEPTED)
  expect((await a!.pact.charter())?.charter.name).toBe('renamed')
  expect(await verdict(a!, 'pact.amend', { base: stale, change: { name: 'again' } })).toBe('charter-conflict')
  expect(await amend(a!, { visibility: 'commons' })).toBe('charter-invalid')
  const [other] = await a!.pact.append([{ type: 'other', payload: {} }]).catch(() => [])
  expect(other).toBeUndefined()
})

test('a rule is proposed, and active once the indexer that has it says so', async () => {
  const [a, b] = await peers(2, { rules: { counting }, types: ['count'] })
  const { charter } = (await a!.pact.charter())!
  expect(charter.rules.map(r => r.plugin)).toEqual(['counting', 'open-door'])
  // Turning off is at once; turning on waits for the answer of the indexer's daemon.
  const without = charter.rules.filter(r => r.plugin !== 'counting')
  expect(await amend(a!, { rules: without })).toBe(ACCEPTED)
  expect(await amend(a!, { rules: charter.rules })).toBe(ACCEPTED)
  await until(a!.pact, async () => (await a!.pact.charter())!.charter.rules.length === 2)
  await a!.pact.append([{ type: 'count', payload: {} }])
  expect(await a!.pact.state('counting').get('n')).toBe(1)
  connect(a!.pact, b!.pact)
  await until(b!.pact, same(a!, b!))
  expect(await b!.pact.state('counting').get('n')).toBe(1)
})

test('a proposal that the indexer cannot run never activates', async () => {
  const [a] = await peers(1)
  const { charter } = (await a!.pact.charter())!
  expect(await amend(a!, { rules: [...charter.rules, { plugin: 'unheard-of', protocol: 3, settings: {} }] })).toBe(
    ACCEPTED,
  )
  await a!.pact.append([note('life goes on')])
  const state = (await a!.pact.charter())!
  expect(state.charter.rules.map(r => r.plugin)).toEqual(['open-door'])
  expect(state.proposed).toMatchObject({ ready: [] })
  expect((await a!.pact.status()).interrupted).toBeNull()
})

test('what is proposed stands beside other amendments, until other rules are named', async () => {
  const [a] = await peers(1, { rules: { counting } })
  const { charter, hash } = (await a!.pact.charter())!
  const [counts, door] = ['counting', 'open-door'].map(name => charter.rules.find(({ plugin }) => plugin === name)!)
  const unheard = { plugin: 'unheard-of', protocol: 3, settings: {} }
  expect(await amend(a!, { rules: [counts, unheard, door], purpose: 'at once' })).toBe(ACCEPTED)
  expect((await a!.pact.charter())?.charter).toMatchObject({ purpose: 'at once', rules: [counts, door] })
  expect(await verdict(a!, 'pact.amend', { base: hash, change: { name: 'stale' } })).toBe('charter-conflict')

  expect(await amend(a!, { name: 'renamed' })).toBe(ACCEPTED)
  const renamed = (await a!.pact.charter())!
  expect(renamed.charter).toMatchObject({ name: 'renamed', rules: [counts, door] })
  expect(renamed.proposed?.charter).toMatchObject({ name: 'renamed', rules: [counts, unheard, door] })
  // What is taken out goes at once, whatever waits.
  expect(await amend(a!, { rules: [unheard, door] })).toBe(ACCEPTED)
  expect(await a!.pact.charter()).toMatchObject({ charter: { rules: [door] }, proposed: { ready: [] } })
  expect(await amend(a!, { rules: [door] })).toBe(ACCEPTED)
  expect(await a!.pact.charter()).toMatchObject({ charter: { name: 'renamed', rules: [door] }, proposed: null })
})

test('a proposal is active when those who are ready are a quorum only since the indexers changed', async () => {
  const [a, b, c] = await peers(3, { types: ['count'] })
  await a!.close()
  a!.rules.counting = counting
  await a!.open()
  connect(a!.pact, b!.pact)
  connect(a!.pact, c!.pact)
  for (const peer of [b!, c!]) await peer.pact.append([note('here')])
  const me = a!.pact.writer.toString('hex')
  const all = [me, ...[b!, c!].map(peer => peer.pact.writer.toString('hex'))]
  expect(await verdict(a!, 'pact.indexers', { writers: all })).toBe(ACCEPTED)
  const { charter } = (await a!.pact.charter())!
  await amend(a!, { rules: [...charter.rules, { plugin: 'counting', protocol: 1, settings: {} }] })
  await until(a!.pact, async () => (await a!.pact.charter())!.proposed?.ready.join() === me)
  expect(await verdict(a!, 'pact.indexers', { writers: [me] })).toBe(ACCEPTED)
  await until(a!.pact, async () => (await a!.pact.charter())!.proposed === null)
})

test('an indexer that gets the plugin of a proposal later says that it is ready when it opens the pact again', async () => {
  const [a] = await peers(1, { types: ['count'] })
  const { charter } = (await a!.pact.charter())!
  const rules = [...charter.rules, { plugin: 'counting', protocol: 1, settings: {} }]
  expect(await amend(a!, { rules })).toBe(ACCEPTED)
  expect((await a!.pact.charter())?.proposed).toMatchObject({ ready: [] })
  await a!.close()
  a!.rules.counting = counting
  await a!.open()
  await until(a!.pact, async () => (await a!.pact.charter())!.proposed === null)
  expect((await a!.pact.charter())?.charter.rules.map(rule => rule.plugin)).toEqual(['open-door', 'counting'])
})

test('a peer that lacks an active rule is interrupted, says what to install, and resumes without loss', async () => {
  const [a, b] = await peers(2, { types: ['count'], rules: { counting } })
  await b!.close()
  delete b!.rules.counting
  await b!.open()
  await expect(b!.pact.append([note('no')])).rejects.toMatchObject({ code: 'PACT_INTERRUPTED' })
  // As where nobody is reachable who has signed what comes.
  b!.pact.base.fastForwardEnabled = false
  const cut = connect(a!.pact, b!.pact)
  const stopped = new Promise(resolve => b!.pact.base.once('interrupt', resolve))
  for (let i = 0; i < 5; i++) await a!.pact.append([{ type: 'count', payload: {} }])
  await stopped
  const status = await b!.pact.status()
  expect(status.interrupted?.reason).toContain('"counting", protocol 1')
  expect(status.interrupted?.cure).toContain('restart')
  expect(status.writable).toBe(false)
  expect(await b!.pact.record(0)).not.toBeNull()
  await cut()
  await b!.close()
  b!.rules.counting = counting
  await b!.open()
  connect(a!.pact, b!.pact)
  await until(b!.pact, same(a!, b!))
  expect(await b!.pact.state('counting').get('n')).toBe(5)
  expect((await b!.pact.append([note('yes')]))[0]?.verdict).toBe(ACCEPTED)
})

test('a peer that lacks a rule reads on what a quorum signed, and writes again once the rule is off', async () => {
  const [a, b] = await peers(2, { types: ['count'], rules: { counting } })
  const earlier = await b!.pact.append([note('with the plugin')])
  await b!.close()
  delete b!.rules.counting
  await b!.open()
  connect(a!.pact, b!.pact)
  for (let i = 0; i < 5; i++) await a!.pact.append([{ type: 'count', payload: {} }])
  await until(b!.pact, same(a!, b!))
  expect((await b!.pact.status()).interrupted?.reason).toContain('"counting", protocol 1')
  await expect(b!.pact.append([note('no')])).rejects.toMatchObject({ code: 'PACT_INTERRUPTED' })

  const { charter } = (await a!.pact.charter())!
  await amend(a!, { rules: charter.rules.filter(({ plugin }) => plugin !== 'counting') })
  await until(b!.pact, same(a!, b!))
  expect((await b!.pact.status()).interrupted).toBeNull()
  const [again] = await b!.pact.append([note('yes')], { until: 'confirmed' })
  expect(again).toMatchObject({ verdict: ACCEPTED, confirmed: true })
  expect(b!.pact.receipt(earlier[0]!.id)).toMatchObject({ confirmed: true })
})

test('a newcomer joins without a plugin whose rules the charter had once, also if it stops before it has read the seats', async () => {
  const [a] = await peers(1, { types: ['count'], rules: { counting } })
  const newcomer = (await peers(1))[0]!
  await newcomer.store.remove(newcomer.pact.id)
  await a!.pact.append([{ type: 'count', payload: {} }])
  const { charter } = (await a!.pact.charter())!
  await amend(a!, { rules: charter.rules.filter(({ plugin }) => plugin !== 'counting') })
  await admit(a!, newcomer)
  await newcomer.close()
  await rm(join(newcomer.dir, 'pacts', a!.pact.id, 'seats.json'), { force: true })
  await newcomer.open()
  expect(['empty', 'member']).toContain(await newcomer.pact.standing(a!.identity.device))
  connect(a!.pact, newcomer.pact)
  await until(newcomer.pact, same(a!, newcomer))
  expect((await newcomer.pact.append([note('here')], { until: 'confirmed' }))[0]).toMatchObject({ confirmed: true })
})

test('three indexers confirm while one is away; a set of two is refused', async () => {
  const [a, b, c] = await peers(3)
  const writers = [a!, b!, c!].map(p => p.pact.writer.toString('hex'))
  const links = [connect(a!.pact, b!.pact), connect(a!.pact, c!.pact), connect(b!.pact, c!.pact)]
  expect(await verdict(a!, 'pact.indexers', { writers: writers.slice(0, 2) })).toBe('indexer-set-size')
  await a!.pact.append([{ type: 'pact.indexers', payload: { writers } }])
  await Promise.all(
    [a!, b!, c!].map(p =>
      until(p.pact, async () => p.pact.confirmed === p.pact.length && (await p.pact.members()).every(m => m.indexer)),
    ),
  )
  for (const peer of [a!, b!, c!]) await until(peer.pact, () => peer.pact.base.linearizer!.indexers.length === 3)
  for (const cut of links) await cut()
  connect(b!.pact, c!.pact)
  const [receipt] = await b!.pact.append([note('without a')], { until: 'confirmed', timeout: 15_000 })
  expect(receipt?.confirmed).toBe(true)
  const status = await a!.pact.status()
  expect(status.waiting).toMatch(/1 more of the indexers/)
})

test('what is read while the views move to other cores is looked at again before it counts as another history', async () => {
  const [a] = await peers(1)
  for (let i = 0; i < 3; i++) await a!.pact.append([note(`n${i}`)])
  // Nothing is in memory: the log has to be read.
  await a!.close()
  await a!.open()
  const { pact } = a!
  const { chain } = (await pact.record(3))!
  const garbled = Buffer.from((await pact.block(3))!)
  garbled.fill(0, 1, 33)
  vi.spyOn(pact.base.view.log, 'get').mockResolvedValueOnce(garbled).mockResolvedValueOnce(garbled)
  expect(await pact.delta([{ position: 4, chain }])).toMatchObject({ common: 4, records: [] })
  // What still differs when that took too long does count.
  vi.spyOn(Date, 'now').mockReturnValueOnce(0)
  expect(await pact.delta([{ position: 4, chain: garbled.subarray(1, 33) }])).toMatchObject({ common: 0 })
})

test('a set of indexers that never wrote is refused, and a sole indexer can hand over to one that has', async () => {
  const [a, b] = await peers(2)
  connect(a!.pact, b!.pact)
  const writers = [b!.pact.writer.toString('hex')]
  expect(await verdict(a!, 'pact.indexers', { writers })).toBe('indexer-never-wrote')
  await b!.pact.append([note('here I am')])
  await until(a!.pact, same(a!, b!))
  await a!.pact.append([{ type: 'pact.indexers', payload: { writers } }])
  await until(a!.pact, () => a!.pact.confirmed === a!.pact.length)
  const [receipt] = await a!.pact.append([note('b confirms')], { until: 'confirmed' })
  expect(receipt?.confirmed).toBe(true)
})

test('a verifier at fault refuses the newcomer and stops nobody', async () => {
  const bad = (answer: () => never) => defineRules({ protocol: 1, types: [], admits: { odd: { verify: answer } } })
  const throwing = bad(() => {
    throw new Error('oops')
  })
  const lying = bad((() => ({ role: 'king' })) as never)
  for (const odd of [throwing, lying]) {
    const [a] = await peers(1, { rules: { odd } })
    const b = (await peers(1))[0]!
    const { writer } = await b.store.prepare('00')
    const payload = { ...applicationOf(b.identity, doorTopic(a!.pact.key), writer), via: { kind: 'odd' } }
    expect(await verdict(a!, 'member.add', payload)).toBe('plugin-fault')
    expect((await a!.pact.append([note('goes on')]))[0]?.verdict).toBe(ACCEPTED)
  }
})

test('a removed identity is out on every machine and cannot be seated again', async () => {
  const [a, b] = await peers(2)
  const cut = connect(a!.pact, b!.pact)
  const identity = b!.identity.key.toString('hex')
  expect(await verdict(a!, 'member.remove', { identity })).toBe(ACCEPTED)
  expect(await a!.pact.standing(b!.identity.device)).toBe('removed')
  await cut()
  await expect(admit(a!, b!)).rejects.toThrow('banned')
  expect(await verdict(a!, 'member.remove', { identity: a!.identity.key.toString('hex') })).toBe('last-admin')
})

test('a retired device takes its writer and Noise key with it', async () => {
  const [a, b] = await peers(2)
  connect(a!.pact, b!.pact)
  const writer = b!.pact.writer.toString('hex')
  const [r] = await b!.pact.append([{ type: 'device.retire', payload: { writer } }])
  expect(r?.verdict).toBe(ACCEPTED)
  await until(a!.pact, async () => (await a!.pact.standing(b!.identity.device)) === 'removed')
  await expect(b!.pact.append([note('ghost')])).rejects.toMatchObject({ code: 'MEMBER_REMOVED' })
})

test('a member that slept recognises who was admitted meanwhile, and nobody else', async () => {
  const [a, b, sleeper] = await peers(3)
  const newcomer = (await peers(1))[0]!
  await newcomer.store.remove(newcomer.pact.id)
  const cut = connect(a!.pact, b!.pact)
  await until(b!.pact, same(a!, b!))
  await admit(b!, newcomer)
  await cut()
  const chain = await newcomer.pact.admissionChain()
  expect(chain.length).toBeGreaterThan(0)
  expect(await sleeper!.pact.standing(newcomer.identity.device)).toBe('unknown')
  expect(await sleeper!.pact.vouches(chain, newcomer.identity.device)).toBe(true)
  expect(await sleeper!.pact.vouches(chain, a!.identity.device)).toBe(false)
  expect(await sleeper!.pact.vouches(Buffer.alloc(0), newcomer.identity.device)).toBe(false)
  // The last link is the one that counts here: the sleeper knows who signed it.
  const last = 36 + chain.readUInt32BE(32)
  expect(last).toBeLessThan(chain.length)
  for (let i = last; i < chain.length; i += 97) {
    const torn = Buffer.from(chain)
    torn[i]! ^= 1
    expect(await sleeper!.pact.vouches(torn, newcomer.identity.device)).toBe(false)
  }
  expect(await sleeper!.pact.vouches(chain.subarray(0, chain.length - 5), newcomer.identity.device)).toBe(false)
})

test('a joiner that says synced serves everything when the source is gone, over its own restart', async () => {
  const [a] = await peers(1)
  for (let i = 0; i < 40; i++) await a!.pact.append(Array.from({ length: 5 }, (_, j) => note(`${i}.${j}`)))
  const b = (await peers(1))[0]!
  await b.store.remove(b.pact.id)
  const { writer } = await b.store.prepare('00')
  const payload = { ...applicationOf(b.identity, doorTopic(a!.pact.key), writer), via: { kind: 'test' } }
  await a!.pact.append([{ type: 'member.add', payload }])
  await b.store.open('00', { key: a!.pact.key, encryptionKey: a!.pact.encryptionKey }, { alias: 'test' })
  const cut = connect(a!.pact, b.pact)
  await until(b.pact, () => b.pact.base.writable)
  await b.pact.download()
  expect((await b.pact.status()).synced).toBe(true)
  const length = a!.pact.length
  await cut()
  await a!.close()
  await b.close()
  await b.open()
  expect(b.pact.length).toBe(length)
  for (let i = 0; i < length; i++) expect(await b.pact.record(i)).not.toBeNull()
  expect((await b.pact.append([note('alone')]))[0]?.verdict).toBe(ACCEPTED)
  const c = (await peers(1))[0]!
  await c.store.remove(c.pact.id)
  await admit(b, c)
  connect(b.pact, c.pact)
  await c.pact.download()
  expect(c.pact.length).toBe(b.pact.length)
})

test('a wrong encryption key is refused before it can look like an empty pact', async () => {
  const [a] = await peers(1)
  const { id } = a!.pact
  await a!.close()
  const file = join(a!.dir, 'pacts', id, 'pact.json')
  const card = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...card, encryptionKey: '00'.repeat(32) }))
  await a!.open()
  expect(() => a!.store.get(id)).toThrow(expect.objectContaining({ code: 'PACT_KEY_WRONG' }))
  await writeFile(file, '{')
  await a!.open()
  expect(() => a!.store.get(id)).toThrow(expect.objectContaining({ code: 'PACT_CORRUPT' }))
  await writeFile(file, JSON.stringify(card))
  await a!.open()
  expect(a!.pact.length).toBe(1)
})

test('a pact whose store or card is lost does not pass for one that is just being joined', async () => {
  const [a] = await peers(1)
  const { id } = a!.pact
  const folder = join(a!.dir, 'pacts', id)
  await a!.close()
  await rename(join(folder, 'pact.json'), join(folder, 'elsewhere'))
  await a!.open()
  const lost = (what: string) =>
    expect.objectContaining({ code: 'PACT_CORRUPT', message: expect.stringContaining(what) })
  expect(() => a!.store.get(id)).toThrow(lost('pact.json is lost'))
  await rename(join(folder, 'elsewhere'), join(folder, 'pact.json'))
  await rename(join(folder, 'store'), join(folder, 'elsewhere'))
  await a!.open()
  expect(() => a!.store.get(id)).toThrow(lost('its store is empty'))
  await rm(join(folder, 'store'), { recursive: true })
  await rename(join(folder, 'elsewhere'), join(folder, 'store'))
  await a!.open()
  expect(a!.pact.length).toBe(1)
})

test('a pact that stopped by itself is not called unknown while it is opened again', async () => {
  const [a] = (await peers(1)) as [Peer]
  const { id, alias } = a.pact
  const codes = new Set<string>()
  const look = () => {
    for (const name of [id, alias])
      try {
        a.store.get(name)
        codes.add('open')
      } catch (error) {
        codes.add((error as { code: string }).code)
      }
  }
  const old = a.pact
  old.base.emit('error', new Error('the store gave up'))
  while (a.store.find(id) === old || a.store.find(id) === null) {
    look()
    await nextTurn()
  }
  look()
  expect([...codes]).toEqual(['open', 'PACT_REOPENING'])
})
