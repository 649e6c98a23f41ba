import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Machine, Machines, shared } from '../../test/support/machines.ts'
import type { StrangerChannel } from '../kernel.ts'

let net: Machines
beforeEach(async () => {
  net = await Machines.start()
})
afterEach(() => net.close())

const topic = crypto.hash(Buffer.from('a door of these tests'))
const closed = (conn: Connection) => new Promise<void>(resolve => void conn.once('close', () => resolve()))
const eventually = (holds: () => boolean) => vi.waitUntil(holds, { timeout: 20_000, interval: 10 })

/** Keeps a door that notes what it sees. */
function door(machine: Machine, where = topic) {
  const seen: string[] = []
  const open: StrangerChannel[] = []
  const shut = machine.network.door('test/1', where, {
    onopen: channel => void open.push(channel),
    onmessage: message => void seen.push(message.toString()),
    onclose: channel => void open.splice(open.indexOf(channel), 1),
  })
  return { seen, open, shut }
}

/** Member and candidate, brought together by the topic of the door. */
async function met(a: Machine, b: Machine) {
  const leave = [a.network.announce(topic, { client: false }), b.network.announce(topic, { server: false })]
  await eventually(() => a.network.status().connections === 1 && b.network.status().connections === 1)
  return leave
}

describe('a door', () => {
  test('connects strangers who know its topic, whoever opens it first', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const early = door(a)
    await met(a, b)
    const late = door(b)
    await eventually(() => early.open.length === 1 && late.open.length === 1)
    expect([early.open[0]?.noise, late.open[0]?.noise]).toEqual([b.noise, a.noise])
    early.open[0]?.send(Buffer.from('who is there'))
    late.open[0]?.send(Buffer.from('me'))
    await eventually(() => early.seen.length === 1 && late.seen.length === 1)
    expect([early.seen, late.seen]).toEqual([['me'], ['who is there']])
    late.shut()
    await eventually(() => early.open.length === 0)
    const again = door(b)
    await eventually(() => again.open.length === 1 && early.open.length === 1)
  })

  test('of another topic stays shut on the same connection', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const [here, there] = [door(a), door(b, crypto.hash(topic))]
    await met(a, b)
    const known = door(b)
    await eventually(() => known.open.length === 1)
    expect([here.open.length, there.open.length]).toEqual([1, 0])
  })

  test('is left when the topic is left', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const leave = await met(a, b)
    for (const undo of leave) await undo()
    await a.network.close()
    await eventually(() => b.network.status().connections === 0)
  })
})

describe('limits of strangers (trap 8)', () => {
  const attackers = (count: number) => Promise.all(Array.from({ length: count }, () => net.raw(topic)))

  test('so many at once, though Hyperswarm lets all of them in; members always find room', async () => {
    const victim = await net.machine({ count: 3, deadline: 60_000 })
    const [member] = [await net.machine()]
    const [ofVictim, ofMember] = await shared(victim, member)
    await member.network.close()
    victim.network.announce(topic)
    const conns = await attackers(8)
    const turnedAway = () => conns.filter(conn => conn.destroyed).length
    await eventually(() => turnedAway() >= 5 && victim.network.status().strangers === 3)
    expect(turnedAway()).toBe(5)

    const returned = await net.machine({}, member.keyPair)
    returned.network.add(ofMember.pact)
    await ofVictim.pact.note('there is room for you')
    await ofMember.pact.reads('there is room for you')
    expect(victim.network.status()).toMatchObject({ connections: 4, strangers: 3 })
  })

  test('so many bytes, in one frame or in many', async () => {
    const victim = await net.machine({ deadline: 60_000 })
    victim.network.announce(topic)
    const [one, many] = (await attackers(2)) as [Connection, Connection]
    one.write(Buffer.alloc(5_000_000))
    const frames = setInterval(() => many.write(Buffer.from([9, 9, ...Buffer.alloc(500)])), 1)
    await Promise.all([closed(one), closed(many)])
    clearInterval(frames)
    expect(victim.network.status().strangers).toBe(0)
  })

  test('so much time; a tunnel has no such limits', async () => {
    const [victim, member] = [await net.machine({ deadline: 300, bytes: 4096 }), await net.machine()]
    const [ofVictim, ofMember] = await shared(victim, member)
    await ofVictim.pact.note('tunnel is open')
    await ofMember.pact.reads('tunnel is open')
    victim.network.announce(topic)
    const [idle] = (await attackers(1)) as [Connection]
    await closed(idle)
    // The member is connected for longer than that already, and sends more.
    const long = ''.padEnd(50_000, '.')
    await ofMember.pact.note(long)
    await ofVictim.pact.reads(long)
    expect(victim.network.status()).toMatchObject({ connections: 1, strangers: 0 })
    expect(ofVictim.link.peers()).toMatchObject([{ noise: member.hex, tunnel: true }])
  })

  test('begin anew for a member whose tunnel is gone', async () => {
    const [victim, member] = [await net.machine({ deadline: 100 }), await net.machine()]
    const [ofVictim, ofMember] = await shared(victim, member)
    const other = await victim.open()
    await ofVictim.pact.note('tunnel is open')
    await ofMember.pact.reads('tunnel is open')
    await ofVictim.pact.remove(member.noise, ofMember.pact.writer)
    await eventually(() => victim.network.status().connections === 0)
    expect(other.link.peers()).toEqual([])
  })
})

describe('what a stranger sends (trap 4)', () => {
  test('cannot end the process by making a handler throw', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    a.network.door('sync/1', topic, {
      onmessage: () => {
        throw new TypeError('null session')
      },
    })
    a.network.door('async/1', topic, { onmessage: () => Promise.reject(new RangeError('later')) })
    a.network.door('open/1', topic, {
      onopen: () => {
        throw new SyntaxError('at once')
      },
      onmessage: () => {},
      onclose: () => {
        throw new TypeError('at the end')
      },
    })
    const closed: string[] = []
    for (const protocol of ['sync/1', 'async/1', 'open/1']) {
      b.network.door(protocol, topic, {
        onopen: channel => void channel.send(Buffer.from('boom')),
        onmessage: () => {},
        onclose: () => void closed.push(protocol),
      })
    }
    await met(a, b)
    await eventually(() => closed.length === 3)
    expect(closed.sort()).toEqual(['async/1', 'open/1', 'sync/1'])
    expect(a.network.status().connections).toBe(1)
    expect(a.failures.length).toBeGreaterThanOrEqual(3)
  })

  test('is not handed on when it is too large', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const small = door(a)
    b.network.door('test/1', topic, {
      limit: 4096,
      onopen: channel => {
        expect(() => channel.send(Buffer.alloc(4097))).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }))
        channel.send(Buffer.alloc(1025))
        channel.send(Buffer.from('after'))
      },
      onmessage: () => {},
    })
    let was = 0
    a.network.door('count/1', topic, { onopen: () => void was++, onmessage: () => {} })
    b.network.door('count/1', topic, { onmessage: () => {} })
    await met(a, b)
    await eventually(() => was === 1 && small.open.length === 0)
    expect(small.seen).toEqual([])
  })
})
