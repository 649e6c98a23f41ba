/** What of a pact is shown: in lists, and in full. */
import type { Kernel, Pact } from '../../kernel/index.ts'
import type { ReadModel } from '../read-model/service.ts'

/** One line of a list of pacts. */
export async function summaryOf(pact: Pact, active: boolean) {
  const { id, alias, name, length, confirmed, synced, writable, waiting, interrupted } = await pact.status()
  const holdup = interrupted ? `${interrupted.reason} ${interrupted.cure}` : waiting
  return { id, alias, name, active, length, confirmed, synced, writable, waiting: holdup }
}

/** Who this machine is to others. */
export function selfOf({ identity }: Kernel) {
  const { handle, key } = identity.defaultAgent
  return {
    peer_handle: handle,
    public_key: key.toString('hex'),
    identity: identity.key.toString('hex'),
    device: identity.device.toString('hex'),
  }
}

/** Everything about how a pact is doing on this machine. */
export async function statusOf(pact: Pact, kernel: Kernel, readModel: ReadModel) {
  const { charter, peers, rules, ...status } = await pact.status()
  return {
    ...selfOf(kernel),
    ...status,
    pact_id: status.id,
    chain: status.length > 0 ? ((await pact.record(status.length - 1))?.chain.toString('hex') ?? null) : null,
    peers: peers.map(peer => ({ ...peer, since: new Date(peer.since).toISOString() })),
    index: readModel.progress(pact),
    rules,
    charter_hash: charter?.hash ?? null,
    proposed: charter?.proposed?.hash ?? null,
  }
}
