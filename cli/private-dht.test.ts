import { expect, test } from 'vitest'
import { Machine, shared } from '../test/support/machines.ts'
import { startBootstrap } from './private-dht.ts'

test('daemons that know nothing but its address find each other', async () => {
  const dht = await startBootstrap({ port: 0, host: '127.0.0.1' })
  const [a, b] = [new Machine([dht]), new Machine([dht])]
  try {
    const [ofA, ofB] = await shared(a, b)
    await Promise.all([a.network.start(), b.network.start()])
    await ofA.pact.note('hello')
    await ofB.pact.reads('hello')
    expect(a.network.status().bootstrap).toEqual([`127.0.0.1:${dht.port}`])
  } finally {
    await a.close()
    await b.close()
    await dht.close()
  }
})

test('a port that is taken, or an address of another machine, is a coded error', async () => {
  const first = await startBootstrap({ port: 0, host: '127.0.0.1' })
  try {
    const { host, port } = first
    await expect(startBootstrap({ host, port })).rejects.toMatchObject({ code: 'NETWORK_UNUSABLE' })
    await expect(startBootstrap({ host: '203.0.113.1', port: 0 })).rejects.toMatchObject({ code: 'BIND_UNKNOWN' })
  } finally {
    await first.close()
  }
})

test('on all networks it names an address that others can reach', async () => {
  const dht = await startBootstrap({ port: 0, host: '0.0.0.0' })
  expect(dht.host).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
  expect(dht.host).not.toBe('0.0.0.0')
  await dht.close()
})

test('who comes after the DHT was started anew finds members that had each other all the time', async () => {
  const first = await startBootstrap({ port: 0, host: '127.0.0.1' })
  const { host, port } = first
  const [a, b, late] = [new Machine([first]), new Machine([first]), new Machine([first])]
  const [ofA, ofB] = await shared(a, b)
  const ofLate = await late.open(ofA.pact)
  await ofA.pact.admit(late.noise, ofLate.pact.writer)
  await Promise.all([a.network.start(), b.network.start()])
  await ofA.pact.note('hello')
  await ofB.pact.reads('hello')
  await first.close()
  // It knows nothing of whoever announced itself before.
  const second = await startBootstrap({ host, port })
  try {
    await late.network.start()
    await ofLate.pact.reads('hello')
  } finally {
    for (const machine of [a, b, late]) await machine.close()
    await second.close()
  }
}, 60_000)
