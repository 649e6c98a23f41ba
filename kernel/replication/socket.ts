/** The UDP socket and the distributed hash table (DHT) that connections are made through. */
import DHT from 'hyperdht'
import { OpenPactError } from '../errors.ts'
import './errors.ts'

export interface NetworkAddress {
  /** Nodes of a private DHT; the public one when absent. */
  bootstrap?: { host: string; port: number }[]
  /** Address of this machine to use, e.g. 127.0.0.1 where daemons share a machine; all of them when absent. */
  bind?: string
  /** UDP port; the next free one when taken. */
  port?: number
}

/** @throws OpenPactError NETWORK_UNUSABLE when the address cannot be bound */
export async function openSocket({ bootstrap, bind, port }: NetworkAddress): Promise<DHT> {
  // On loopback nothing stands between two daemons, so nobody needs to find out whether it does.
  const loopback = bind?.startsWith('127.') ?? false
  const dht = new DHT({ bootstrap, host: bind, port, ...(loopback ? { firewalled: false } : {}) })
  await bound(dht, bind ?? '0.0.0.0')
  return dht
}

/** Waits for the socket. @throws OpenPactError NETWORK_UNUSABLE; the node is destroyed then */
export async function bound(dht: DHT, host: string): Promise<void> {
  try {
    await dht.bind()
  } catch (error) {
    await dht.destroy({ force: true }).catch(() => {})
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new OpenPactError('NETWORK_UNUSABLE', { reason: `${host} cannot be bound (${code}).` }, { cause: error })
  }
}
