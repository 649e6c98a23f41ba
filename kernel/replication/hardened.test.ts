import type { Duplex } from 'node:stream'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Machines, shared } from '../../test/support/machines.ts'
import { guarded } from './hardened.ts'

let net: Machines
beforeEach(async () => {
  net = await Machines.start()
})
afterEach(() => net.close())

/** A batch in a batch in a batch …: one frame that overflows the stack of protomux's decoder. */
function nestedBatches(depth: number): Buffer {
  const frame = Buffer.alloc(2 + depth * 5)
  for (let i = 0; i < depth; i++) frame.set([0, 0xfd, 0xff, 0xff, 0], 2 + i * 5)
  return frame
}

/** Frames of protomux: [channel, type, …]; 0 is the control channel with 0 batch, 1 open, 2 reject, 3 close. */
function frames(): Buffer[] {
  const openDoor = [0, 1, 1, 14, ...Buffer.from('openpact/door/'), 0]
  const random = Array.from({ length: 20 }, (_, i) => Buffer.concat([Buffer.from([0, i % 4]), noise(i)]))
  return [
    nestedBatches(30_000),
    Buffer.from([0, 1, 0, 1, 65, 0]),
    Buffer.from([0, 1, 1, 0xff, ...Buffer.alloc(8, 0xff)]),
    Buffer.from([0, 2, 7]),
    Buffer.from([0, 9]),
    Buffer.from([0]),
    Buffer.from([7, 7, 7]),
    Buffer.from([...openDoor, ...Buffer.alloc(3)]),
    ...random,
  ]
}
const noise = (i: number) => Buffer.concat([crypto.hash(Buffer.from([i])), crypto.hash(Buffer.from([i, i]))])

describe('garbage does not end the process (trap 4)', () => {
  test('from a stranger', async () => {
    const topic = crypto.hash(Buffer.from('garbage'))
    const victim = await net.machine({ deadline: 60_000, bytes: 1_000_000 })
    const opened = vi.fn()
    victim.network.announce(topic)
    victim.network.door('test/1', topic, { onopen: opened, onmessage: () => {} })
    for (const frame of frames()) {
      const conn = await net.raw(topic)
      const closed = new Promise<void>(resolve => void conn.once('close', () => resolve()))
      conn.write(frame)
      // Whether this frame is fatal to the connection or not: the next one is.
      conn.write(Buffer.from([0, 3, 0xff]))
      conn.end()
      await closed
    }
    expect(opened).not.toHaveBeenCalled()
    const guest = await net.machine()
    guest.network.door('test/1', topic, { onmessage: () => {} })
    guest.network.announce(topic)
    await vi.waitUntil(() => opened.mock.calls.length === 1, { timeout: 20_000 })
  }, 60_000)

  test('from a member, inside a tunnel: only that tunnel ends, and comes back', async () => {
    const [a, b] = [await net.machine(), await net.machine()]
    const ofA = await a.open()
    const ofB = await b.open(ofA.pact)
    const streams: Duplex[] = []
    const { replicate } = ofB.pact
    vi.spyOn(ofB.pact, 'replicate').mockImplementation(isInitiator => {
      const stream = replicate.call(ofB.pact, isInitiator)
      streams.push(stream)
      return stream
    })
    await ofA.pact.admit(b.noise, ofB.pact.writer)
    const [other] = await shared(a, b)
    await ofA.pact.note('before')
    await ofB.pact.reads('before')
    const attacks = [
      [nestedBatches(30_000)],
      Array.from({ length: 100 }, (_, i) => Buffer.concat([Buffer.from([1 + (i % 8), i % 12]), noise(i)])),
    ]
    for (const [round, attack] of attacks.entries()) {
      const inner = streams.at(-1) as Duplex & { noiseStream: Duplex }
      const closed = new Promise<void>(resolve => void inner.once('close', () => resolve()))
      for (const frame of attack) inner.noiseStream.write(frame)
      await closed
      await ofA.pact.note(`after attack ${round}`)
      await ofB.pact.reads(`after attack ${round}`)
    }
    expect(streams).toHaveLength(3)
    expect(other.link.peers()).toMatchObject([{ noise: b.hex, tunnel: true }])
    expect(a.network.status().connections).toBe(1)
  })
})

test('guarded hands on every failure, of now and of later', async () => {
  const failures: unknown[] = []
  const failed = (error: unknown) => void failures.push(error)
  guarded(() => {
    throw new TypeError('now')
  }, failed)
  guarded(() => Promise.reject(new RangeError('later')), failed)
  guarded(() => 'fine', failed)
  await Promise.resolve()
  expect(failures).toEqual([new TypeError('now'), new RangeError('later')])
})
