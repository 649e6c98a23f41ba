/** The UDP socket and the distributed hash table (DHT) that connections are made through. */
import { lookup } from 'node:dns/promises'
import DHT from 'hyperdht'
import ipaddr from 'ipaddr.js'
import { OpenPactError } from '../errors.ts'

export interface NetworkAddress {
  /** Nodes of a private DHT; the public one when absent. */
  bootstrap?: { host: string; port: number }[]
  /** Address of this machine to use, e.g. 127.0.0.1 where daemons share a machine; all of them when absent. */
  bind?: string
  /** UDP port; the next free one when taken. */
  port?: number
}

/** Ranges of addresses (RFC 6890) within which machines reach each other directly. */
const near = new Set(['loopback', 'private', 'carrierGradeNat', 'linkLocal', 'uniqueLocal'])

/** @throws OpenPactError NETWORK_UNUSABLE when the address cannot be bound */
export async function openSocket({ bootstrap, bind, port }: NetworkAddress): Promise<DHT> {
  // Where the DHT starts from the same network, nothing stands between its machines. HyperDHT would punch holes all the same: without a NAT one
  // side takes that for done before the other has seen anything, and both are connected after a minute.
  const known = [...(bootstrap ?? []).map(({ host }) => host), ...(bind ? [bind] : [])]
  const found = await Promise.all(known.map(host => lookup(host).catch(() => null)))
  const open = bootstrap !== undefined && found.every(at => at !== null && near.has(ipaddr.parse(at.address).range()))
  const dht = new DHT({ bootstrap, host: bind, port, ...(open ? { firewalled: false } : {}) })
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
