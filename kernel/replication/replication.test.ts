import { once } from 'node:events'
import Hyperswarm, { type Connection } from 'hyperswarm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Machine, Machines, shared } from '../../test/support/machines.ts'
import type { PactLink } from './pact-link.ts'
import { Replication } from './replication.ts'

let net: Machines
beforeEach(async () => {
  net = await Machines.start()
})
afterEach(() => net.close())

/** Links tell no events, so their state is asked for. */
const eventually = (holds: () => boolean) => vi.waitUntil(holds, { timeout: 20_000, interval: 10 })
const tunnels = (link: PactLink) => link.peers().filter(peer => peer.tunnel)

describe('two members', () => {
  test('replicate both ways', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await ofA.pact.note('from a')
    await ofB.pact.reads('from a')
    await ofB.pact.note('from b')
    await ofA.pact.reads('from b')
    expect(ofA.link.peers()).toEqual([{ noise: b.hex, identity: b.hex, since: expect.any(Number), tunnel: true }])
    expect(a.network.status()).toMatchObject({ online: true, connections: 1, strangers: 0 })
    expect(a.network.status().address).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('replicate large entries', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(i === 0 ? 900_000 : 200_000, '.'))
    for (const text of texts) await ofA.pact.note(text)
    await ofB.pact.until(() => ofB.pact.texts.length === texts.length)
    expect(ofB.pact.texts).toEqual(texts)
  })

  test('meet though both join at the same instant', async () => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = [net.offline(), net.offline()]
      const [ofA, ofB] = await shared(a, b)
      await ofA.pact.note('hello')
      await Promise.all([a.network.start(), b.network.start()])
      await ofB.pact.reads('hello')
      await a.network.close()
      await b.network.close()
    }
  })

  test('meet again by themselves after their link was cut', async () => {
    const links: Connection[] = []
    const { emit } = Hyperswarm.prototype
    const watch = vi.spyOn(Hyperswarm.prototype, 'emit').mockImplementation(function (
      this: Hyperswarm,
      event,
      ...args
    ) {
      if (event === 'connection') links.push(args[0] as Connection)
      return emit.call(this, event, ...args)
    })
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await ofA.pact.note('before')
    await ofB.pact.reads('before')
    for (let round = 0; round < 3; round++) {
      const open = links.filter(link => !link.destroyed)
      expect(open).not.toHaveLength(0)
      const closed = open.map(link => once(link, 'close'))
      for (const link of open) link.destroy()
      await Promise.all(closed)
      await ofB.pact.note(`after cut ${round}`)
      await ofA.pact.reads(`after cut ${round}`)
    }
    watch.mockRestore()
  })

  test('meet again after one was restarted', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    await eventually(() => tunnels(ofB.link).length === 1)
    await b.network.close()
    await ofA.pact.note('while b was away')
    const again = await net.machine({}, b.keyPair)
    again.network.add(ofB.pact)
    await ofB.pact.reads('while b was away')
  })
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

describe('two pacts over one connection (trap 2)', () => {
  async function both(a: Machine, b: Machine) {
    const [firstA, firstB] = await shared(a, b)
    const [secondA, secondB] = await shared(a, b)
    await firstA.pact.note('first')
    await secondA.pact.note('second')
    await Promise.all([firstB.pact.reads('first'), secondB.pact.reads('second')])
    return { firstA, firstB, secondA, secondB }
  }

  test('each has a tunnel, and neither sees the other', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const { firstA, firstB, secondA, secondB } = await both(a, b)
    expect(a.network.status().connections).toBe(1)
    expect(tunnels(firstA.link)[0]?.since).toBe(tunnels(secondA.link)[0]?.since)
    expect(firstB.pact.texts).toEqual(['first'])
    expect(secondB.pact.texts).toEqual(['second'])
  })

  test('cutting one leaves the other undisturbed', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const { firstA, firstB, secondA, secondB } = await both(a, b)
    const since = tunnels(secondA.link)[0]?.since
    await firstA.pact.remove(b.noise, firstB.pact.writer)
    await eventually(() => tunnels(firstA.link).length === 0)
    await firstA.pact.note('not for b')
    await secondB.pact.note('still here')
    await secondA.pact.reads('still here')
    await secondA.pact.note('you too')
    await secondB.pact.reads('you too')
    expect(tunnels(secondA.link)).toMatchObject([{ noise: b.hex, since }])
    expect(firstB.pact.texts).toEqual(['first'])
    expect(tunnels(firstB.link)).toEqual([])
  })

  test('leaving one leaves the other', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const { firstA, firstB, secondA, secondB } = await both(a, b)
    await firstB.link.remove()
    expect(tunnels(firstB.link)).toEqual([])
    await secondA.pact.note('goes on')
    await secondB.pact.reads('goes on')
    expect(tunnels(firstA.link)).toEqual([])
    expect(tunnels(secondA.link)).toHaveLength(1)
  })
})

describe('ephemeral channels', () => {
  test('carry messages between members, in whichever order the sides open them', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    const heard = (count: number) => {
      const got: string[] = []
      let on: (message: Buffer) => void = () => {}
      const promise = new Promise<string[]>(resolve => {
        on = message => void (got.push(message.toString()) === count && resolve(got))
      })
      return { promise, on }
    }
    const atA = heard(2)
    const atB = heard(1)
    const met: string[] = []
    const channelA = ofA.link.channel('presence', { onmessage: atA.on, onpeer: ({ noise }) => met.push(noise) })
    expect(channelA.peers()).toEqual([])
    await ofA.pact.note('tunnel is open')
    await ofB.pact.reads('tunnel is open')
    const channelB = ofB.link.channel('presence', {
      onmessage: (message, peer) => {
        expect(peer).toMatchObject({ noise: a.hex, identity: a.hex })
        peer.send(Buffer.from('answer'))
        atB.on(message)
      },
    })
    await eventually(() => channelB.peers().length === 1 && channelA.peers().length === 1)
    expect(met).toEqual([b.hex])
    channelA.broadcast(Buffer.from('question'))
    channelB.broadcast(Buffer.from('hello'))
    expect(await atB.promise).toEqual(['question'])
    expect((await atA.promise).sort()).toEqual(['answer', 'hello'])
    channelB.close()
    await eventually(() => channelA.peers().length === 0)
  })

  test('refuse what is too large, keep going when a handler fails, and end with the tunnel', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [ofA, ofB] = await shared(a, b)
    const got: Buffer[] = []
    const channelA = ofA.link.channel('x', {
      onmessage: message => {
        if (message.toString() === 'bad') throw new TypeError('a plugin fault')
        got.push(message)
      },
    })
    const channelB = ofB.link.channel('x', { onmessage() {} })
    expect(() => ofA.link.channel('x', { onmessage() {} })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    await eventually(() => channelB.peers().length === 1)
    const large = Buffer.alloc(64 * 1024 + 1)
    expect(() => channelB.broadcast(large)).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }))
    channelB.broadcast(Buffer.from('bad'))
    channelB.broadcast(large.subarray(1))
    await eventually(() => got.length === 1)
    expect(got[0]?.byteLength).toBe(64 * 1024)
    expect(a.failures).toHaveLength(1)
    await ofA.pact.remove(b.noise, ofB.pact.writer)
    await eventually(() => channelA.peers().length === 0 && channelB.peers().length === 0)
  })
})

test('offline: everything can be asked for and nothing happens', async () => {
  const network = new Replication({ deviceKeyPair: net.offline().keyPair }, false, silent)
  await network.start()
  const leave = network.announce(Buffer.alloc(32))
  const shut = network.door('x/1', Buffer.alloc(32), { onmessage: () => {} })
  expect(network.status()).toEqual({
    online: false,
    connections: 0,
    strangers: 0,
    nodes: 0,
    bootstrap: null,
    address: null,
  })
  shut()
  await leave()
  await network.close()
})

test('an address that is not this machine’s is a coded error', async () => {
  const network = new Replication({ deviceKeyPair: net.offline().keyPair }, { bind: '203.0.113.1' }, silent)
  await expect(network.start()).rejects.toMatchObject({ code: 'NETWORK_UNUSABLE' })
  await network.close()
})
