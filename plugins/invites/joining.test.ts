import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePlugin, Type } from '../../kernel/index.ts'
import { eventually, Machine, membership, Network } from '../../test/support/network.ts'
import { newInvite } from './invite.ts'
import { joining } from './service.ts'
import { encodeToken } from './token.ts'

let net: Network
beforeEach(async () => {
  net = await Network.open()
})
afterEach(() => net.close())

interface Made {
  id: string
  token: string
}
interface Listed {
  id: string
  state: string
  uses: number
}

const invited = (machine: Machine, input: object = {}) => machine.get<Made>('invites.create', input)
const joins = (machine: Machine, token: string, more: object = {}) =>
  machine.get<{ state: string; words: string; ticket?: string }>('pacts.join', { token, alias: 'test', ...more })
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error: { code: string }) => error.code,
  )
const invites = async (machine: Machine) => (await machine.get<{ entries: Listed[] }>('invites.list')).entries
const identities = async (machine: Machine) =>
  (await machine.get<{ entries: { identity: string; role: string }[] }>('pacts.members')).entries

/** Everything that is said to a machine at doors from now on. */
function overhear({ kernel: { network } }: Machine): Buffer[] {
  const heard: Buffer[] = []
  const door = network.door.bind(network)
  network.door = (protocol, topic, handlers) =>
    door(protocol, topic, {
      ...handlers,
      onmessage(message, channel) {
        heard.push(Buffer.from(message))
        return handlers.onmessage(message, channel)
      },
    })
  return heard
}

/** Whether a machine's files hold a secret, as bytes or as hex. */
async function holds(machine: Machine, secret: Buffer): Promise<boolean> {
  const files = await readdir(machine.dataDir, { recursive: true, withFileTypes: true })
  for (const file of files) {
    if (!file.isFile()) continue
    const bytes = await readFile(join(file.parentPath, file.name)).catch((error: NodeJS.ErrnoException) => {
      // Side files of a database come and go while it is in use; one that is gone holds nothing.
      if (error.code === 'ENOENT') return Buffer.alloc(0)
      throw error
    })
    if (bytes.includes(secret) || bytes.includes(secret.toString('hex'))) return true
  }
  return false
}

describe('joining by invite', () => {
  it('says at once that a plugin of the pact is missing here, and goes on when it is installed', async () => {
    const note = { name: 'note', v: 1, summary: '', payload: Type.Object({}) }
    const rules = { protocol: 1, types: ['note'], validate: () => undefined }
    const notes = definePlugin({ name: 'notes', version: '1.0.0', api: 1, summary: '', entryTypes: [note], rules })
    const founder = await net.machine({ plugins: [...membership, notes] })
    await founder.ask('pacts.create', { name: 'test' })
    const newcomer = await net.machine()
    const begun = Date.now()
    const joined = await joins(newcomer, (await invited(founder)).token)
    expect(Date.now() - begun).toBeLessThan(20_000)
    expect(joined).toMatchObject({
      state: 'joined',
      words: expect.stringMatching(/"notes", protocol 1; it is not installed here\. Add .* restart the daemon\.$/),
      pact: { synced: false, writable: false },
    })
    expect(await newcomer.get('pacts.joins')).toMatchObject({ entries: [] })
    await newcomer.stop()
    const later = new Machine(newcomer.dataDir, net.bootstrap, [...membership, notes])
    await later.start()
    try {
      await eventually(async () => (await later.pact().status()).writable)
      expect(later.pact().length).toBe(founder.pact().length)
    } finally {
      await later.stop()
    }
  }, 60_000)

  it('gives a newcomer a seat with which it reads and writes at once', async () => {
    const founder = await net.founder()
    const { id, token } = await invited(founder, { note: 'for bob' })
    const newcomer = await net.machine()
    expect(await joins(newcomer, token)).toMatchObject({ state: 'joined', words: '', alias: 'test', name: 'test' })
    expect((await newcomer.pact().charter())?.charter.name).toBe('test')
    expect(await identities(newcomer)).toHaveLength(2)
    await eventually(async () => (await newcomer.pact().status()).writable)
    const back = await invited(newcomer)
    await eventually(async () => (await invites(founder)).some(each => each.id === back.id))
    expect((await invites(founder)).find(each => each.id === id)).toMatchObject({ state: 'spent', uses: 1 })
  })

  it('shows a token once: no list and no file has it afterwards', async () => {
    const founder = await net.founder()
    const { token } = await invited(founder)
    expect(JSON.stringify(await founder.get('invites.list'))).not.toContain(token)
    expect(JSON.stringify(await founder.get('read-model.entries').catch(() => ''))).not.toContain(token)
    await founder.stop()
    expect(await holds(founder, Buffer.from(token))).toBe(false)
  })

  it('takes the same token again for a success', async () => {
    const founder = await net.founder()
    const { token } = await invited(founder)
    const newcomer = await net.machine()
    await joins(newcomer, token)
    expect(await joins(newcomer, token)).toMatchObject({ state: 'joined' })
    expect((await invites(founder))[0]?.uses).toBe(1)
  })

  it('lets a machine that left come back with a new invite', async () => {
    const founder = await net.founder()
    const newcomer = await net.member(founder)
    await newcomer.ask('pacts.leave', { pactId: 'test' })
    expect(newcomer.kernel.pacts.list()).toEqual([])
    expect(await joins(newcomer, (await invited(founder)).token)).toMatchObject({ state: 'joined' })
    expect(await founder.pact().members()).toHaveLength(2)
  })

  it('gives the role of the invite, and admins alone may give that of an admin', async () => {
    const founder = await net.founder()
    const second = await net.member(founder, { role: 'admin' })
    const third = await net.member(founder)
    expect((await identities(founder)).map(each => each.role)).toEqual(['admin', 'admin', 'member'])
    await eventually(async () => (await third.pact().status()).writable)
    expect(await code(invited(third, { role: 'admin' }))).toBe('NOT_AUTHORISED')
    await eventually(async () => (await second.pact().status()).writable)
    expect((await invited(second, { role: 'admin' })).token).toMatch(/^op1/)
  })

  it('refuses tokens that are mistyped, unknown, revoked or over', async () => {
    const founder = await net.founder()
    const newcomer = await net.machine()
    const [revoked, short] = [await invited(founder), await invited(founder, { expires_in: '1s' })]
    expect(await code(joins(newcomer, `${revoked.token.slice(0, -1)}a`))).toBe('INVITE_MALFORMED')
    expect(await code(joins(newcomer, encodeToken('op1', Buffer.alloc(66, 255))))).toBe('INVITE_MALFORMED')

    await founder.ask('invites.revoke', { id: revoked.id.slice(0, 8) })
    expect(await code(joins(newcomer, revoked.token))).toBe('INVITE_REVOKED')
    expect(await code(founder.ask('invites.revoke', { id: revoked.id }))).toBe('INVITE_REVOKED')
    expect(await code(founder.ask('invites.revoke', { id: '00000000' }))).toBe('INVITE_UNKNOWN')

    await eventually(async () => (await invites(founder)).find(each => each.id === short.id)?.state === 'expired')
    expect(await code(joins(newcomer, short.token))).toBe('INVITE_EXPIRED')
    expect(await identities(founder)).toHaveLength(1)
    expect(await readdir(join(newcomer.dataDir, 'pacts'))).toEqual([])
  })
})

describe('a single-use invite raced by two', () => {
  it('lets one in; the other never sees a key', async () => {
    const founder = await net.founder()
    const { token } = await invited(founder)
    const racers = [await net.machine(), await net.machine()] as const
    const heard = racers.map(overhear)
    const ends = await Promise.all(racers.map(racer => code(joins(racer, token))))
    expect([...ends].sort()).toEqual(['INVITE_SPENT', 'fine'])
    expect(await identities(founder)).toHaveLength(2)

    const lost = ends.indexOf('INVITE_SPENT')
    const { key, encryptionKey } = founder.pact()
    for (const secret of [key, encryptionKey]) {
      expect(heard[1 - lost]?.some(message => message.includes(secret))).toBe(true)
      expect(heard[lost]?.some(message => message.includes(secret))).toBe(false)
      expect(await holds(racers[lost] as Machine, secret)).toBe(false)
    }
  })

  it('through two members that do not hear of each other: one gets in when they do, the other never sees a key', async () => {
    const founder = await net.founder()
    const [left, right] = [await net.member(founder), await net.member(founder)]
    const { token } = await invited(founder)
    for (const member of [left, right]) {
      await eventually(async () => (await member.pact().status()).writable && (await invites(member)).length === 3)
    }
    await founder.stop()

    // One after the other meets a newcomer alone: each admits its own, and neither can confirm it.
    const racers = [await net.machine(), await net.machine()]
    await Promise.all([right.stop(), ...racers.map(racer => racer.stop())])
    const meets = async (racer: Machine, member: Machine) => {
      await racer.start()
      expect(await joins(racer, token, { timeout: 0 })).toMatchObject({ state: 'pending' })
      await eventually(() => racer.kernel.use(joining).list()[0]?.words.includes('only indexer'))
      expect(await member.pact().members()).toHaveLength(4)
      await racer.stop()
    }
    await meets(racers[0] as Machine, left)
    await left.stop()
    await right.start()
    await meets(racers[1] as Machine, right)
    await left.start()
    for (const racer of racers) await racer.start()
    const heard = racers.map(overhear)
    await founder.start()

    const ends = await Promise.all(racers.map(racer => code(joins(racer, token, { timeout: 30_000 }))))
    expect([...ends].sort()).toEqual(['INVITE_SPENT', 'fine'])
    const lost = ends.indexOf('INVITE_SPENT')
    for (const secret of [founder.pact().key, founder.pact().encryptionKey]) {
      expect(heard[lost]?.some(message => message.includes(secret))).toBe(false)
      expect(await holds(racers[lost] as Machine, secret)).toBe(false)
    }
    for (const member of [founder, left, right]) {
      await eventually(async () => (await member.pact().members()).length === 4)
    }
  }, 90_000)
})

describe('a join that cannot be settled yet', () => {
  it('says which indexer must wake, goes on by itself and after a restart, and ends when it can', async () => {
    const founder = await net.founder()
    const member = await net.member(founder)
    const { token } = await invited(founder)
    await eventually(async () => (await invites(member)).length === 2)
    await founder.stop()

    const newcomer = await net.machine()
    const answer = await newcomer.ask('pacts.join', { token, alias: 'test', timeout: 3000 })
    expect(answer.pending).toBe(true)
    expect(answer.output).toMatchObject({ state: 'pending' })
    expect((answer.output as { words: string }).words).toContain('only indexer')
    expect(newcomer.kernel.pacts.list()).toEqual([])
    const { entries } = await newcomer.get<{ entries: object[] }>('pacts.joins')
    expect(entries).toMatchObject([{ alias: 'test', state: 'pending' }])

    await newcomer.stop()
    await newcomer.start()
    expect(newcomer.kernel.use(joining).list()).toHaveLength(1)
    await founder.start()
    await eventually(() => newcomer.kernel.pacts.find('test'), 60_000)
    await eventually(() => newcomer.kernel.use(joining).list().length === 0)
    expect(await founder.pact().members()).toHaveLength(3)
  }, 90_000)

  it('can be given up: what was prepared is dropped', async () => {
    const founder = await net.founder()
    const { token } = await invited(founder)
    await founder.stop()
    const newcomer = await net.machine()
    const { state, ticket } = await joins(newcomer, token, { timeout: 200 })
    expect(state).toBe('pending')
    expect(await readdir(join(newcomer.dataDir, 'pacts'))).toEqual([`joining-${ticket}`])
    await newcomer.ask('pacts.cancel_join', { ticket })
    expect(newcomer.kernel.use(joining).list()).toEqual([])
    expect(await readdir(join(newcomer.dataDir, 'pacts'))).toEqual([])
    expect(await code(newcomer.ask('pacts.cancel_join', { ticket }))).toBe('JOIN_UNKNOWN')
  })
})

describe('another token for the same pact', () => {
  it('takes the place of the one before, which had no hope', async () => {
    const founder = await net.founder()
    const newcomer = await net.machine()
    // Of a member whose entry has not reached the one that is online.
    const { token: unheard } = newInvite(founder.pact())
    expect(await joins(newcomer, unheard, { timeout: 1000 })).toMatchObject({ state: 'pending' })
    const { token } = await invited(founder)
    expect(await joins(newcomer, token)).toMatchObject({ state: 'joined' })
    expect(newcomer.kernel.use(joining).list()).toEqual([])
  })
})

describe('removal', () => {
  it('cuts a member off and keeps it out, with a new invite and a new core too', async () => {
    const founder = await net.founder()
    const removed = await net.member(founder)
    const identity = removed.kernel.identity.key.toString('hex')
    await founder.ask('pacts.remove', { member: identity.slice(0, 12) })
    await eventually(async () => (await founder.pact().status()).peers.every(peer => !peer.tunnel))
    const { token: another } = await invited(founder)
    await eventually(async () => (await removed.pact().status()).removed)
    expect(removed.pact().length).toBeLessThan(founder.pact().length)
    expect(await code(removed.pact().append([{ type: 'note', payload: {} }]))).toBe('MEMBER_REMOVED')
    expect(await code(joins(removed, another))).toBe('JOIN_REFUSED')

    await removed.ask('pacts.leave', { pactId: 'test', force: true })
    const { token } = await invited(founder, { max_uses: 5 })
    expect(await code(joins(removed, token))).toBe('JOIN_REFUSED')
    expect(await identities(founder)).toHaveLength(1)
    expect((await invites(founder))[0]).toMatchObject({ uses: 0, state: 'open' })
  })

  it('is told to a member that was off meanwhile, which remembers it', async () => {
    const founder = await net.founder()
    const removed = await net.member(founder)
    const identity = removed.kernel.identity.key.toString('hex')
    const { handle } = founder.kernel.identity.defaultAgent
    await removed.stop()
    await founder.ask('pacts.remove', { member: identity })
    await removed.start()
    const status = await eventually(async () => {
      const found = await removed.pact().status()
      return found.removed ? found : null
    })
    expect(status.removed).toContain(`${handle} says that this machine was removed`)
    expect(status.waiting).toBe(status.removed)
    expect(status.writable).toBe(false)
    expect(await code(invited(removed))).toBe('MEMBER_REMOVED')
    const { token } = await invited(founder)
    await founder.stop()
    // Who asks this one for a seat is told about this one.
    const newcomer = await net.machine()
    const answer = await joins(newcomer, newInvite(removed.pact()).token, { timeout: 3000 })
    expect(answer.words).toContain('was itself removed')
    await removed.stop()
    await removed.start()
    expect((await removed.pact().status()).removed).toBe(status.removed)
    expect(await code(joins(removed, token))).toBe('JOIN_REFUSED')
  })
})
