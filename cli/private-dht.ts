/** A private DHT for `openpact dht`: daemons that use it never touch the public one. */
import { networkInterfaces } from 'node:os'
import DHT from 'hyperdht'
import { bound } from '../kernel/replication/socket.ts'
import { checkBind } from './bind-address.ts'

export interface Bootstrap {
  /** What daemons are given as `--bootstrap`. */
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** With one node nobody ever connects: a query needs others to ask. */
const NODES = 3

/**
 * Runs a private DHT in this process.
 * @param options `port`: UDP, 0 for any. `host`: address to bind; 0.0.0.0 serves all networks of this machine
 * @throws OpenPactError BIND_UNKNOWN when the address is not this machine's, NETWORK_UNUSABLE when the port is taken
 */
export async function startBootstrap(options: { port: number; host: string }): Promise<Bootstrap> {
  await checkBind(options.host)
  const nodes: DHT[] = []
  const close = async () => {
    for (const node of nodes.reverse()) await node.destroy()
  }
  const start = async (settings: object) => {
    const node = new DHT({ host: options.host, ephemeral: false, firewalled: false, ...settings })
    await bound(node, options.host)
    nodes.push(node)
    await node.fullyBootstrapped()
    return node
  }
  // The others must be met under an address that other machines can reach too: nodes pass on what they saw.
  const host = options.host === '0.0.0.0' ? ownAddress() : options.host
  try {
    const first = await start({ bootstrap: [], port: options.port, anyPort: options.port === 0 })
    const { port } = first.address()
    while (nodes.length < NODES) await start({ bootstrap: [{ host, port }], port: 0 })
    return { host, port, close }
  } catch (error) {
    await close()
    throw error
  }
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
