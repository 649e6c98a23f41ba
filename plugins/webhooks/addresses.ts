/** Where a callback may lead: judged by the address that is connected to, in every form that an address can have. */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** `never`: link-local, metadata services of clouds, multicast, unspecified, reserved, tunnels into any of these. */
export type Reach = 'public' | 'loopback' | 'private' | 'never'

type Address = ipaddr.IPv4 | ipaddr.IPv6
export type Network = [Address, number]

/** Metadata services at addresses that look ordinary: AWS over IPv6, Alibaba, Oracle, Azure. */
const metadata = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16'])

/** A block of addresses, `10.0.0.0/8`, or a single one. @throws Error when it is neither */
export function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

export function reachOf(text: string): Reach {
  const address = parsed(text)
  if (!address || metadata.has(address.toString())) return 'never'
  return address.kind() === 'ipv4' ? reachOfIPv4(address as ipaddr.IPv4) : reachOfIPv6(address as ipaddr.IPv6)
}

/** Null when a callback may lead to an address, otherwise why not. */
export function refusal(text: string, policy: { loopback: boolean; allow: readonly Network[] }): string | null {
  switch (reachOf(text)) {
    case 'public':
      return null
    case 'loopback':
      return policy.loopback ? null : 'only a token without limits may use this machine’s own addresses'
    case 'private': {
      const address = parsed(text)!
      const listed = policy.allow.some(([base, bits]) => base.kind() === address.kind() && address.match([base, bits]))
      return listed ? null : 'it is on a private network that is not in the allow-list'
    }
    default:
      return 'it is link-local, reserved or a metadata service'
  }
}

/** An IPv4 address inside an IPv6 one of the kind that systems connect to as IPv4 is taken for what it is. */
function parsed(text: string): Address | null {
  // A zone (`%eth0`) names a link of this machine.
  if (isIP(text) === 0 || text.includes('%')) return null
  if (isIP(text) === 4) return ipaddr.parse(text)
  // In one spelling first: `::127.0.0.1` would be read as `::ffff:127.0.0.1` otherwise.
  const address = ipaddr.parse(new URL(`http://[${text}]`).hostname.slice(1, -1)) as ipaddr.IPv6
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function reachOfIPv4(address: ipaddr.IPv4): Reach {
  switch (address.range()) {
    case 'unicast':
      return 'public'
    case 'loopback':
      return 'loopback'
    case 'private':
    case 'carrierGradeNat':
      return 'private'
    default:
      return 'never'
  }
}

function reachOfIPv6(address: ipaddr.IPv6): Reach {
  const { parts } = address
  const inside = (at: number) => {
    const [high, low] = [parts[at] ?? 0, parts[at + 1] ?? 0]
    // What a tunnel or translator leads to must be public: it is not this machine that connects in the end.
    return reachOf([high >> 8, high & 255, low >> 8, low & 255].join('.')) === 'public' ? 'public' : 'never'
  }
  switch (address.range()) {
    case 'loopback':
      return 'loopback'
    case 'uniqueLocal':
      return 'private'
    case 'rfc6052':
    case 'rfc6145':
      // 64:ff9b:1::/48 is for translators of a local network.
      return parts[2] === 0 ? inside(6) : 'never'
    case '6to4':
      return inside(1)
    case 'unicast':
      // Global unicast is all that was given out; site-local, IPv4-compatible and the rest are not.
      return (parts[0] ?? 0) >> 13 === 1 ? 'public' : 'never'
    default:
      return 'never'
  }
}
