/** The process behind `RawPeer`: Autobase as it comes, without mends, rules, signatures or an index. */
import { randomBytes } from 'node:crypto'
import Autobase from 'autobase'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import DHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { inFlight, sharedClock } from './measure.ts'
import type { Command, Commands, Reply, Request } from './raw-peer.ts'

/** Bytes per block: about what one entry of the bench takes in a ledger. */
const blockSize = 450

let base: Autobase<Hypercore>
let swarm: Hyperswarm | null = null

type Handlers = { [C in Command]: (input: Commands[C]['in']) => Promise<Commands[C]['out']> }

const handlers: Handlers = {
  async open({ directory, key, secret = randomBytes(32).toString('hex') }) {
    base = new Autobase<Hypercore>(new Corestore(directory), key ? Buffer.from(key, 'hex') : null, {
      encryptionKey: Buffer.from(secret, 'hex'),
      valueEncoding: 'binary',
      open: store => store.get('log'),
      apply: async (nodes, view) => {
        await view.append(nodes.map(({ value }) => value))
      },
    })
    await base.ready()
    await base.update()
    return { key: base.key.toString('hex'), secret, length: base.view.length }
  },
  append: ({ count, inFlight: clients }) => inFlight(count, clients, () => base.append(randomBytes(blockSize))),
  async appendOne() {
    const started = sharedClock()
    await base.append(randomBytes(blockSize))
    return started
  },
  get({ count, newest }) {
    const { length } = base.view
    return inFlight(count, 1, i => base.view.get(newest ? length - 1 - i : Math.floor(Math.random() * length)))
  },
  async meet({ bootstrap }) {
    const [host = '', port = ''] = bootstrap.split(':')
    const dht = new DHT({ bootstrap: [{ host, port: Number(port) }], host: '127.0.0.1', firewalled: false })
    swarm = new Hyperswarm({ dht })
    swarm.on('connection', conn => base.replicate(conn))
    await swarm.join(base.discoveryKey).flushed()
    return null
  },
  async reach({ length }) {
    await grown(length)
    await base.view.get(length - 1)
    return sharedClock()
  },
  async fetch({ length }) {
    await grown(length)
    await base.view.download({ start: 0, end: length }).done()
    return sharedClock()
  },
  async close() {
    await swarm?.destroy()
    await base?.close()
    return null
  },
}

/** Resolves when the view has a length. */
async function grown(length: number): Promise<void> {
  if (base.view.length >= length) return
  await new Promise<void>(resolve => {
    const look = () => {
      if (base.view.length < length) return
      base.off('update', look)
      resolve()
    }
    base.on('update', look)
  })
}

process.on('message', ({ id, command, input }: Request) => {
  const handler = handlers[command] as (input: Request['input']) => Promise<unknown>
  const reply = (answer: Omit<Reply, 'id'>) => process.send?.({ id, ...answer })
  handler(input).then(
    output => reply({ output }),
    error => reply({ error: String((error as Error).stack ?? error) }),
  )
})
process.once('disconnect', () => process.exit())
