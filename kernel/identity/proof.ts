/**
 * Judges attestations inside consensus: the same bytes give the same answer on every machine, at any time.
 * `IdentityKey.verify` alone is too lenient (no link, trailing bytes, any depth) and throws on garbage, so the shape is fixed here.
 */
import c from 'compact-encoding'
import IdentityKey from 'keet-identity-key'
import { ProofEncoding } from 'keet-identity-key/lib/encoding.js'

/** Size of root → device over data, bytes: version, epoch, identity, chain of one, flags, signature. */
export const DEVICE_PROOF_BYTES = 203
/**
 * Size of root → device → agent over data, bytes. One link more than a device's. Above the 256 bytes of membership.md trap 6,
 * which no proof with two links and data can keep; the size is exact instead.
 */
export const AGENT_PROOF_BYTES = 299

type Chain = { publicKey: Buffer; signature: Buffer }[]

/**
 * Whether `proof` shows that the holder of an identity seated `device`, and that this device said `data`.
 * @returns the identity's key (32 bytes) and the epoch of the attestation (ms since 1970), or null; never throws
 */
export function verifyDeviceProof(
  proof: Buffer,
  data: Buffer,
  device: Buffer,
): { identity: Buffer; epoch: number } | null {
  const proven = verify(proof, data, device, 1, DEVICE_PROOF_BYTES)
  return proven && { identity: proven.identity, epoch: proven.epoch }
}

/**
 * Whether `proof` shows that a device of an identity vouches for `agent`, and that this agent said `data`.
 * The caller must still check that `device` is seated for `identity`: a stolen or invented device can vouch too.
 * @returns keys of identity and device (32 bytes each) and the epoch (ms since 1970), or null; never throws
 */
export function verifyAgentProof(
  proof: Buffer,
  data: Buffer,
  agent: Buffer,
): { identity: Buffer; device: Buffer; epoch: number } | null {
  const proven = verify(proof, data, agent, 2, AGENT_PROOF_BYTES)
  const device = proven?.chain[0]?.publicKey
  return proven && device ? { identity: proven.identity, device, epoch: proven.epoch } : null
}

function verify(
  proof: Buffer,
  data: Buffer,
  holder: Buffer,
  links: number,
  size: number,
): { identity: Buffer; epoch: number; chain: Chain } | null {
  try {
    if (!Buffer.isBuffer(proof) || !Buffer.isBuffer(data) || !Buffer.isBuffer(holder)) return null
    if (proof.byteLength !== size || holder.byteLength !== 32) return null
    const { version, epoch, identity, chain, data: signed } = c.decode(ProofEncoding, proof)
    if (version !== 1 || chain.length !== links || !signed || !Number.isSafeInteger(epoch)) return null
    // One proof, one encoding: otherwise the same proof could be entered again under another hash.
    if (!proof.equals(c.encode(ProofEncoding, { version, epoch, identity, chain, data: signed }))) return null
    if (!IdentityKey.verify(proof, data, { expectedDevice: holder })) return null
    return { identity, epoch, chain }
  } catch {
    return null
  }
}
