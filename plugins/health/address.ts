/** Whether this machine still has the address that the daemon was bound to. */
import { networkInterfaces } from 'node:os'
import type { Finding } from '../operations/health.ts'

const anywhere = new Set(['0.0.0.0', '::'])

/** @param bound `host:port` of the UDP socket; null without a network */
export function addressFindings(bound: string | null, interfaces = networkInterfaces()): Finding[] {
  const host = bound?.slice(0, bound.lastIndexOf(':'))
  const own = Object.values(interfaces).flatMap(list => list?.map(({ address }) => address) ?? [])
  // All of 127.0.0.0/8 is this machine, one address of it is listed.
  if (!host || anywhere.has(host) || host.startsWith('127.') || own.includes(host)) return []
  const words = `${host} is not an address of this machine any more, so nobody is reached: restart the daemon with another --bind, or without`
  return [{ level: 'fault', about: 'Network', words }]
}
