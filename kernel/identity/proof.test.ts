import { createHash } from 'node:crypto'
import c from 'compact-encoding'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import IdentityKey from 'keet-identity-key'
import { ProofEncoding } from 'keet-identity-key/lib/encoding.js'
import { describe, expect, test, vi } from 'vitest'
import { joinData } from '../replication/topics.ts'
import { AGENT_PROOF_BYTES, DEVICE_PROOF_BYTES, verifyAgentProof, verifyDeviceProof } from './proof.ts'

const seed = (text: string) => createHash('sha256').update(text).digest()
const pair = (text: string) => crypto.keyPair(seed(text))
const root = pair('root')
const device = pair('device')
const agent = pair('agent')
const data = joinData(seed('door'), seed('writer'), device.publicKey)

const base = (identity = root.publicKey, epoch = 1_700_000_000_000) =>
  c.encode(ProofEncoding, { version: 1, epoch, identity, chain: [], data: null }) as Buffer
const link = (child: Buffer, parent: { publicKey: Buffer; secretKey: Buffer }, proof: Buffer) =>
  IdentityKey.attestDevice(child, parent, Buffer.from(proof))
const say = (what: Buffer, by: { publicKey: Buffer; secretKey: Buffer }, proof: Buffer) =>
  IdentityKey.attestData(what, by, Buffer.from(proof))

const deviceChain = link(device.publicKey, root, base())
const agentChain = link(agent.publicKey, device, deviceChain)
const deviceProof = say(data, device, deviceChain)
const agentProof = say(data, agent, agentChain)

/** Rebuilds a proof with other fields, so that each attack is valid in every respect but one. */
function altered(proof: Buffer, change: object): Buffer {
  return c.encode(ProofEncoding, { ...c.decode(ProofEncoding, proof), ...change }) as Buffer
}

/** Every way in which both verifiers must refuse `proof`. */
function refused(proof: Buffer, what = data): void {
  expect(verifyDeviceProof(proof, what, device.publicKey)).toBeNull()
  expect(verifyAgentProof(proof, what, agent.publicKey)).toBeNull()
}

describe('what is accepted', () => {
  test('root → device over data', () => {
    expect(deviceProof.byteLength).toBe(DEVICE_PROOF_BYTES)
    expect(verifyDeviceProof(deviceProof, data, device.publicKey)).toEqual({
      identity: root.publicKey,
      epoch: 1_700_000_000_000,
    })
  })

  test('root → device → agent over data, with the device for the caller to look up', () => {
    expect(agentProof.byteLength).toBe(AGENT_PROOF_BYTES)
    expect(verifyAgentProof(agentProof, data, agent.publicKey)).toEqual({
      identity: root.publicKey,
      device: device.publicKey,
      epoch: 1_700_000_000_000,
    })
  })
})

describe('each line of trap 6', () => {
  test('an empty chain: an identity with no signature of it', () => {
    expect(IdentityKey.verify(base(), null)).not.toBeNull()
    refused(base())
    const own = say(data, root, base())
    refused(own)
    expect(verifyDeviceProof(own, data, root.publicKey)).toBeNull()
  })

  test('trailing bytes', () => {
    for (const proof of [deviceProof, agentProof]) {
      const longer = Buffer.concat([proof, Buffer.from([0])])
      expect(IdentityKey.verify(longer, data)).not.toBeNull()
      refused(longer)
    }
  })

  test('any depth but the exact one', () => {
    refused(agentChain)
    expect(verifyDeviceProof(agentProof, data, agent.publicKey)).toBeNull()
    expect(verifyAgentProof(deviceProof, data, device.publicKey)).toBeNull()
    let proof = deviceChain
    let parent = device
    for (let i = 0; i < 500; i++) {
      const child = pair(`link ${i}`)
      proof = link(child.publicKey, parent, proof)
      parent = child
    }
    const deep = say(data, parent, proof)
    expect(IdentityKey.verify(deep, data)).not.toBeNull()
    expect(verifyDeviceProof(deep, data, parent.publicKey)).toBeNull()
    expect(verifyAgentProof(deep, data, parent.publicKey)).toBeNull()
  })

  test('a stolen device attesting another device', () => {
    const thief = pair('thief')
    const stolen = say(data, thief, link(thief.publicKey, device, deviceChain))
    expect(IdentityKey.verify(stolen, data)).not.toBeNull()
    expect(verifyDeviceProof(stolen, data, thief.publicKey)).toBeNull()
    // As an agent of the stolen device it is well formed; it names that device, which the ledger then finds retired.
    expect(verifyAgentProof(stolen, data, thief.publicKey)?.device).toEqual(device.publicKey)
  })

  test('data absent, though the chain is right', () => {
    expect(IdentityKey.verify(deviceChain, null)).not.toBeNull()
    refused(deviceChain)
    refused(agentChain)
    const stripped = altered(deviceProof, { data: null })
    expect(verifyDeviceProof(stripped, data, device.publicKey)).toBeNull()
  })

  test('other data, another holder, another identity', () => {
    refused(deviceProof, seed('other data'))
    refused(agentProof, seed('other data'))
    expect(verifyDeviceProof(deviceProof, data, pair('other').publicKey)).toBeNull()
    expect(verifyAgentProof(agentProof, data, device.publicKey)).toBeNull()
    refused(altered(deviceProof, { identity: pair('other').publicKey }))
    refused(altered(agentProof, { identity: pair('other').publicKey }))
  })

  test('data signed by the parent, not by the holder', () => {
    const chain = (c.decode(ProofEncoding, deviceProof) as { chain: unknown[] }).chain
    const byRoot = altered(say(data, root, base()), { chain })
    expect(byRoot.byteLength).toBe(DEVICE_PROOF_BYTES)
    expect(verifyDeviceProof(byRoot, data, device.publicKey)).toBeNull()
  })

  test('links of two identities spliced together', () => {
    const other = link(agent.publicKey, device, link(device.publicKey, pair('other'), base(pair('other').publicKey)))
    const chain = (c.decode(ProofEncoding, say(data, agent, other)) as { chain: unknown[] }).chain
    expect(verifyAgentProof(altered(agentProof, { chain }), data, agent.publicKey)).toBeNull()
  })

  test('versions other than 1', () => {
    for (const version of [0, 2, 252]) {
      const bytes = Buffer.from(deviceProof)
      bytes[0] = version
      refused(bytes)
    }
  })

  test('bytes that decode to the same proof but are not its encoding', () => {
    const flags = Buffer.from(deviceProof)
    const at = DEVICE_PROOF_BYTES - 65
    expect(flags[at]).toBe(1)
    flags[at] = 3
    expect(IdentityKey.verify(flags, data)).not.toBeNull()
    refused(flags)
    const wide = Buffer.concat([Buffer.from([0xfd, 1, 0]), deviceProof.subarray(1)])
    expect(IdentityKey.verify(wide, data)).not.toBeNull()
    refused(wide)
  })

  test('an epoch is signed and cannot be moved', () => {
    refused(altered(deviceProof, { epoch: 1_700_000_001_000 }))
    refused(altered(agentProof, { epoch: 1_699_999_999_000 }))
  })

  test('the clock is never read', () => {
    const clock = vi.spyOn(Date, 'now')
    try {
      verifyDeviceProof(deviceProof, data, device.publicKey)
      verifyAgentProof(agentProof, data, agent.publicKey)
      expect(clock).not.toHaveBeenCalled()
      const future = say(data, device, link(device.publicKey, root, base(root.publicKey, 32_503_680_000_000)))
      expect(verifyDeviceProof(future, data, device.publicKey)?.epoch).toBe(32_503_680_000_000)
    } finally {
      clock.mockRestore()
    }
  })
})

describe('nothing throws', () => {
  const run = { seed: 6, numRuns: 400 }

  test('garbage of any size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => refused(Buffer.from(bytes))),
      run,
    )
    for (const size of [DEVICE_PROOF_BYTES, AGENT_PROOF_BYTES]) {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: size, maxLength: size }), bytes => refused(Buffer.from(bytes))),
        run,
      )
    }
  })

  test('a valid proof with any one bit changed, or cut anywhere', () => {
    for (const proof of [deviceProof, agentProof]) {
      fc.assert(
        fc.property(fc.nat(proof.byteLength * 8 - 1), bit => {
          const bytes = Buffer.from(proof)
          bytes[bit >> 3]! ^= 1 << (bit & 7)
          refused(bytes)
        }),
        run,
      )
      for (let size = 0; size < proof.byteLength; size++) refused(proof.subarray(0, size))
    }
  })

  test('values that are not buffers at all, keys of a wrong size', () => {
    const odd = [undefined, null, 7, 'proof', {}, [], new Uint8Array(DEVICE_PROOF_BYTES)] as unknown as Buffer[]
    for (const value of odd) {
      refused(value)
      expect(verifyDeviceProof(deviceProof, value, device.publicKey)).toBeNull()
      expect(verifyDeviceProof(deviceProof, data, value)).toBeNull()
      expect(verifyAgentProof(agentProof, data, value)).toBeNull()
    }
    expect(verifyDeviceProof(deviceProof, data, device.publicKey.subarray(1))).toBeNull()
    expect(verifyDeviceProof(deviceProof, Buffer.alloc(0), device.publicKey)).toBeNull()
  })
})
