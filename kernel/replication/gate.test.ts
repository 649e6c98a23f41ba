import { once } from 'node:events'
import c from 'compact-encoding'
import Hyperswarm, { type Connection } from 'hyperswarm'
import Protomux, { type Channel } from 'protomux'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Machine, Machines, pipe, shared } from '../../test/support/machines.ts'
import type { SmallPact } from '../../test/support/small-pact.ts'
import type { PactLink } from './pact-link.ts'
import { meetingId, meetingProof, membersTopic } from './topics.ts'

let net: Machines
beforeEach(async () => {
  net = await Machines.start()
})
afterEach(() => net.close())

/** Links tell no events, so their state is asked for. */
const eventually = (holds: () => boolean) => vi.waitUntil(holds, { timeout: 20_000, interval: 10 })
const tunnels = (link: PactLink) => link.peers().filter(peer => peer.tunnel)
/** Resolves when the gate of `pact` has looked at a chain that it does not believe. */
const vouching = (pact: SmallPact) => once(pact.events, 'vouching')

/** Exchanges notes over the pact that both are members of: whatever was sent before has arrived by then. */
async function roundTrip(a: SmallPact, b: SmallPact, word: string): Promise<void> {
  await a.note(`${word} there`)
  await b.reads(`${word} there`)
  await b.note(`${word} back`)
  await a.reads(`${word} back`)
}

/** Two machines that share pact A; the first is also alone in pact B, which holds a secret. */
async function strangerToB() {
  const [victim, intruder] = [await net.machine(), await net.machine()]
  const [a, a2] = await shared(victim, intruder)
  const b = await victim.open()
  await b.pact.note('secret of b')
  await roundTrip(a.pact, a2.pact, 'first')
  return { victim, intruder, a: a.pact, a2: a2.pact, b }
}

describe('a member of pact A gets nothing of pact B', () => {
  test('by asking for its cores over the tunnel of A, though it knows their keys (trap 1)', async () => {
    const { a, a2, b } = await strangerToB()
    const served = a2.store.get({ key: a.coreKeys[0] })
    const asked = b.pact.coreKeys.map(key => a2.store.get({ key }))
    await Promise.all([served, ...asked].map(core => core.ready()))
    await roundTrip(a, a2, 'after asking')
    // The same request is answered for a core of A, so it is the tunnel that withholds those of B.
    expect(served.length).toBeGreaterThan(0)
    expect(served.peers).not.toHaveLength(0)
    for (const core of asked) expect([core.length, core.peers]).toEqual([0, []])
    await Promise.all([served, ...asked].map(core => core.close()))
  })

  test('by opening it with all of its keys', async () => {
    const { victim, intruder, a, a2, b } = await strangerToB()
    const looked = vouching(b.pact)
    const stolen = await intruder.open(b.pact)
    stolen.pact.override = 'member'
    stolen.pact.changed()
    expect(await looked).toEqual([Buffer.alloc(0)])
    await roundTrip(a, a2, 'after knocking')
    expect(tunnels(stolen.link)).toEqual([])
    expect(b.link.peers()).toEqual([])
    expect(stolen.pact.texts).toEqual([])
    expect((await stolen.pact.admissionChain()).byteLength).toBe(0)
    expect(victim.network.status().connections).toBe(1)
  })

  test('by speaking the protocol of the tunnel itself, without waiting to be let in', async () => {
    const { b } = await strangerToB()
    const replicate = vi.spyOn(b.pact, 'replicate')
    const conn = await net.raw(membersTopic(b.pact.key, b.pact.encryptionKey))
    const raw = rawTunnel(conn, b.pact.encryptionKey)
    await raw.met
    raw.channel.messages[1]?.send(Buffer.from('data before any hello'))
    await raw.closed
    expect(raw.heard).toEqual([])
    expect(replicate).not.toHaveBeenCalled()
    expect(tunnels(b.link)).toEqual([])
  })
})

/** One end of a tunnel, held by an attacker. */
function rawTunnel(conn: Connection, encryptionKey: Buffer, proof?: Buffer) {
  const heard: Buffer[] = []
  const id = meetingId('tunnel', encryptionKey, conn.handshakeHash)
  let resolveMet: (remote: Buffer) => void
  let resolveClosed: () => void
  const met = new Promise<Buffer>(resolve => {
    resolveMet = resolve
  })
  const closed = new Promise<void>(resolve => {
    resolveClosed = resolve
  })
  const channel = Protomux.from(conn).createChannel({
    protocol: 'openpact/pact/1',
    id,
    handshake: bytes,
    messages: [0, 1].map(() => ({
      encoding: bytes,
      onmessage: (message: Buffer) => void heard.push(Buffer.from(message)),
    })),
    onopen: remote => resolveMet(Buffer.from(remote as Buffer)),
    onclose: () => resolveClosed(),
  }) as Channel
  channel.open(proof ?? meetingProof(encryptionKey, id, conn.isInitiator))
  return { channel, heard, met, closed }
}
const bytes = c.raw as typeof c.raw & { decode(state: object): Buffer }

describe('who merely repeats what it hears', () => {
  test('cannot name a tunnel: the proof of one side is not the other’s', async () => {
    const victim = await net.machine()
    const { pact, link } = await victim.open()
    pact.override = 'empty'
    pact.changed()
    const conn = await net.raw(membersTopic(pact.key, pact.encryptionKey))
    const id = meetingId('tunnel', pact.encryptionKey, conn.handshakeHash)
    const raw = rawTunnel(conn, pact.encryptionKey, meetingProof(pact.encryptionKey, id, !conn.isInitiator))
    await raw.closed
    expect(raw.heard).toEqual([])
    expect(tunnels(link)).toEqual([])
  })
})

describe('a member that slept while a newcomer was admitted', () => {
  /** Founder, sleeper and newcomer; the sleeper knows the founder only. Nobody but sleeper and newcomer comes online. */
  async function asleep() {
    const [founder, sleeper, newcomer] = [net.offline(), net.offline(), net.offline()]
    const [ofFounder, ofSleeper] = await shared(founder, sleeper)
    await ofFounder.pact.note('known to all')
    await synced(ofFounder.pact, ofSleeper.pact, 'known to all')
    const ofNewcomer = await newcomer.open(ofFounder.pact)
    const wakeUp = () => Promise.all([sleeper.network.start(), newcomer.network.start()])
    return { founder, newcomer, sleeper, ofFounder, ofSleeper, ofNewcomer, wakeUp }
  }
  async function synced(from: SmallPact, to: SmallPact, text: string): Promise<void> {
    const part = pipe(from, to)
    await to.reads(text)
    await part()
  }

  test('lets in who shows a chain that members vouch for, and learns of it', async () => {
    const { newcomer, ofFounder, ofSleeper, ofNewcomer, wakeUp } = await asleep()
    await ofFounder.pact.admit(newcomer.noise, ofNewcomer.pact.writer)
    await ofFounder.pact.note('newcomer is in')
    await synced(ofFounder.pact, ofNewcomer.pact, 'newcomer is in')
    expect(await ofSleeper.pact.standing(newcomer.noise)).toBe('unknown')
    await wakeUp()
    await ofSleeper.pact.reads('newcomer is in')
    await ofNewcomer.pact.note('thank you')
    await ofSleeper.pact.reads('thank you')
    expect(await ofSleeper.pact.standing(newcomer.noise)).toBe('member')
  })

  /** A chain that the newcomer signed for itself. */
  function forged(pact: SmallPact, machine: Machine): Buffer {
    return Buffer.from(JSON.stringify([pact.link(machine.noise)]))
  }

  test('refuses a forged chain, and lets the same machine in once it hears of its admission', async () => {
    const { newcomer, ofFounder, ofSleeper, ofNewcomer, wakeUp } = await asleep()
    const chain = forged(ofNewcomer.pact, newcomer)
    vi.spyOn(ofNewcomer.pact, 'admissionChain').mockResolvedValue(chain)
    ofNewcomer.pact.override = 'member'
    const looked = vouching(ofSleeper.pact)
    await wakeUp()
    expect(await looked).toEqual([chain])
    expect(tunnels(ofSleeper.link)).toEqual([])
    await ofFounder.pact.admit(newcomer.noise, ofNewcomer.pact.writer)
    await ofFounder.pact.note('newcomer is in')
    await synced(ofFounder.pact, ofSleeper.pact, 'newcomer is in')
    await ofNewcomer.pact.reads('newcomer is in')
    expect(tunnels(ofSleeper.link)).toMatchObject([{ noise: newcomer.hex, identity: newcomer.hex }])
  })

  test('hears the newcomer again when that has got its chain, on the same connection', async () => {
    const { newcomer, ofFounder, ofSleeper, ofNewcomer, wakeUp } = await asleep()
    const looked = vouching(ofSleeper.pact)
    await wakeUp()
    expect(await looked).toEqual([Buffer.alloc(0)])
    await ofFounder.pact.admit(newcomer.noise, ofNewcomer.pact.writer)
    await ofFounder.pact.note('newcomer is in')
    await synced(ofFounder.pact, ofNewcomer.pact, 'newcomer is in')
    await ofSleeper.pact.reads('newcomer is in')
  })
})

describe('removal', () => {
  test('cuts the removed off everywhere and at once, and keeps it out', async () => {
    const machines = [await net.machine(), await net.machine(), await net.machine()] as const
    const [a, b, c] = machines
    const [ofA, ofB] = await shared(a, b)
    const ofC = await c.open(ofA.pact)
    await ofA.pact.admit(c.noise, ofC.pact.writer)
    await ofA.pact.note('all together')
    await Promise.all([ofB, ofC].map(({ pact }) => pact.reads('all together')))
    const carries = (link: PactLink) => tunnels(link).some(({ noise }) => noise === c.hex)
    await eventually(() => carries(ofA.link) && carries(ofB.link))

    const start = performance.now()
    await ofA.pact.remove(c.noise, ofC.pact.writer)
    await eventually(() => !carries(ofA.link) && !carries(ofB.link))
    expect(performance.now() - start).toBeLessThan(5_000)

    await roundTrip(ofA.pact, ofB.pact, 'without c')
    expect(tunnels(ofC.link)).toEqual([])
    expect(ofC.pact.texts).toEqual(['all together'])
    // No pact of theirs has anything to say to it, so its key is refused at the firewall from now on.
    await eventually(() => c.network.status().connections === 0)
    expect(a.network.status()).toMatchObject({ connections: 1, strangers: 0 })
    const emit = vi.spyOn(Hyperswarm.prototype, 'emit')
    expect(await net.admits(a, c.keyPair)).toBe(false)
    expect(await net.admits(a)).toBe(true)
    const connected = emit.mock.calls.filter(([event]) => event === 'connection').map(([, conn]) => conn as Connection)
    emit.mockRestore()
    expect(connected).toHaveLength(1)
    expect(connected[0]?.remotePublicKey).not.toEqual(c.noise)
  })

  test('a key that was shut out may come back with another pact', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await roundTrip(ofA.pact, ofB.pact, 'first')
    await ofA.pact.remove(b.noise, ofB.pact.writer)
    await eventually(() => a.network.status().connections === 0 && b.network.status().connections === 0)
    const [secondA, secondB] = await shared(a, b)
    await roundTrip(secondA.pact, secondB.pact, 'second')
    expect(tunnels(ofA.link)).toEqual([])
  })

  test('a plugin may refuse whom the ledger would let in, and change its mind', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await roundTrip(ofA.pact, ofB.pact, 'first')
    ofA.pact.refusal = 'not today'
    ofA.pact.changed()
    await eventually(() => tunnels(ofA.link).length === 0 && tunnels(ofB.link).length === 0)
    expect(ofA.link.peers()).toMatchObject([{ noise: b.hex, tunnel: false }])
    ofA.pact.refusal = undefined
    ofA.pact.changed()
    await roundTrip(ofA.pact, ofB.pact, 'again')
  })

  test('a gate that fails lets nobody in, and keeps nobody', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await roundTrip(ofA.pact, ofB.pact, 'first')
    const standing = vi.spyOn(ofA.pact, 'standing').mockRejectedValue(new Error('the store is closing'))
    ofA.pact.changed()
    await eventually(() => tunnels(ofB.link).length === 0)
    standing.mockRestore()
    ofA.pact.changed()
    await roundTrip(ofA.pact, ofB.pact, 'again')
  })

  test('a store that fails to replicate is tried again', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    for (const { pact } of [ofA, ofB]) {
      vi.spyOn(pact, 'replicate').mockImplementationOnce(() => {
        throw new Error('the store is closing')
      })
    }
    await roundTrip(ofA.pact, ofB.pact, 'at last')
  })
})
