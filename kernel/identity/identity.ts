/** This machine's identity: 24 words, one device key attested by them, and the agents that this device vouches for. */
import { mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import IdentityKey from 'keet-identity-key'
import { OpenPactError } from '../errors.ts'
import type { AgentIdentity, Identity } from '../kernel.ts'
import { handleOf } from './handle.ts'
import { verifyDeviceProof } from './proof.ts'
import {
  createFolder,
  deleteSecret,
  isFilled,
  listSecrets,
  makePrivate,
  readSecret,
  unreadable,
  writeSecret,
} from './vault.ts'

interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

/** What the kernel alone may have: the secrets behind `Identity`. */
export interface OwnIdentity extends Identity {
  /** The device's keys; the public one is its Noise key. */
  readonly deviceKeyPair: KeyPair
  /** @throws OpenPactError INVALID_INPUT when this machine has no such agent */
  agentKeyPair(name: string): KeyPair
}

/** Agents out of a backup. */
export interface KeptAgents {
  defaultAgent: string
  /** Name → seed, hex. */
  seeds: Readonly<Record<string, string>>
}

interface Secrets {
  folder: string
  key: Buffer
  device: KeyPair
  /** The identity's attestation of the device, without data. */
  proof: Buffer
  defaultAgent: string
  agents: Map<string, KeyPair>
}

const AGENT_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
const SEED = /^[0-9a-f]{64}$/

/**
 * Opens the identity in `folder` (`identity/` of the data directory), or makes one there if it is missing or empty.
 * @throws OpenPactError IDENTITY_UNREADABLE when a file of it is missing or damaged (nothing is overwritten),
 *   DATA_DIR_UNUSABLE, DISK_FULL
 */
export async function openIdentity(folder: string): Promise<OwnIdentity> {
  if (!(await isFilled(folder))) await create(folder, IdentityKey.generateMnemonic())
  return new FileIdentity(await read(folder))
}

/**
 * Makes the identity of `mnemonic` (24 words) anew in a folder that has none: same identity, new device, new agent.
 * @param kept agents of before, for a machine that is restored: they keep their keys
 * @throws OpenPactError IDENTITY_EXISTS, INVALID_INPUT when the words are not a mnemonic, DATA_DIR_UNUSABLE, DISK_FULL
 */
export async function recoverIdentity(folder: string, mnemonic: string, kept?: KeptAgents): Promise<OwnIdentity> {
  const words = mnemonic.trim().toLowerCase().split(/\s+/).join(' ')
  if ((await rootKey(words)) === null) {
    throw new OpenPactError('INVALID_INPUT', { reason: 'these are not the 24 words of an identity' })
  }
  if (await isFilled(folder)) throw new OpenPactError('IDENTITY_EXISTS')
  await create(folder, words, kept)
  return new FileIdentity(await read(folder))
}

class FileIdentity implements OwnIdentity {
  readonly key: Buffer
  readonly device: Buffer
  readonly #secrets: Secrets

  constructor(secrets: Secrets) {
    this.#secrets = secrets
    this.key = secrets.key
    this.device = secrets.device.publicKey
  }

  get handle(): string {
    return handleOf(this.#secrets.defaultAgent, this.key)
  }

  get defaultAgent(): AgentIdentity {
    return this.#describe(this.#secrets.defaultAgent)
  }

  get deviceKeyPair(): KeyPair {
    return this.#secrets.device
  }

  agents(): AgentIdentity[] {
    return [...this.#secrets.agents.keys()].sort().map(name => this.#describe(name))
  }

  agent(name: string): AgentIdentity | null {
    return this.#secrets.agents.has(name) ? this.#describe(name) : null
  }

  agentKeyPair(name: string): KeyPair {
    const pair = this.#secrets.agents.get(name)
    if (!pair) throw new OpenPactError('INVALID_INPUT', { reason: `this machine has no agent "${name}"` })
    return pair
  }

  async createAgent(name: string): Promise<AgentIdentity> {
    if (!AGENT_NAME.test(name)) {
      const reason = 'an agent is named with 1 to 32 of a-z, 0-9 and -, not starting with -'
      throw new OpenPactError('INVALID_INPUT', { reason })
    }
    const { agents, folder } = this.#secrets
    if (agents.has(name)) throw new OpenPactError('AGENT_EXISTS', { agent: name })
    const seed = crypto.randomBytes(32)
    writeAgent(folder, name, seed)
    agents.set(name, crypto.keyPair(seed))
    return this.#describe(name)
  }

  async removeAgent(name: string): Promise<void> {
    this.agentKeyPair(name)
    const { agents, folder, defaultAgent } = this.#secrets
    if (name === defaultAgent) {
      throw new OpenPactError('INVALID_INPUT', { reason: `"${name}" is the default agent and cannot be removed` })
    }
    await deleteSecret(agentFile(folder, name))
    agents.delete(name)
  }

  attest(data: Buffer): Buffer {
    return IdentityKey.attestData(data, this.#secrets.device, this.#secrets.proof)
  }

  attestAgent(name: string, data: Buffer): Buffer {
    const agent = this.agentKeyPair(name)
    const vouched = IdentityKey.attestDevice(agent.publicKey, this.#secrets.device, this.#secrets.proof)
    return IdentityKey.attestData(data, agent, vouched)
  }

  sign(agent: string, message: Buffer): Buffer {
    return crypto.sign(message, this.agentKeyPair(agent).secretKey)
  }

  #describe(name: string): AgentIdentity {
    const key = this.agentKeyPair(name).publicKey
    return { name, key, handle: handleOf(name, key) }
  }
}

function agentFile(folder: string, name: string): string {
  return join(folder, 'agents', `${name}.json`)
}

function writeAgent(folder: string, name: string, seed: Buffer): void {
  writeSecret(agentFile(folder, name), { version: 1, name, seed: seed.toString('hex') })
}

async function create(folder: string, mnemonic: string, kept?: KeptAgents): Promise<void> {
  const seed = crypto.randomBytes(32)
  const proof = await IdentityKey.bootstrap({ mnemonic }, crypto.keyPair(seed).publicKey)
  const defaultAgent = kept?.defaultAgent ?? firstAgentName()
  const agents = Object.entries(kept?.seeds ?? { [defaultAgent]: crypto.randomBytes(32).toString('hex') })
  if (!agents.every(([name, agent]) => AGENT_NAME.test(name) && isSeed(agent)))
    throw new OpenPactError('INVALID_INPUT', { reason: 'the agents of the identity are damaged' })
  await createFolder(folder, async draft => {
    await mkdir(join(draft, 'agents'), { mode: 0o700 })
    writeSecret(join(draft, 'identity.json'), { version: 1, mnemonic, default_agent: defaultAgent })
    writeSecret(join(draft, 'device.json'), {
      version: 1,
      seed: seed.toString('hex'),
      proof: proof.toString('hex'),
    })
    for (const [name, agent] of agents) writeAgent(draft, name, Buffer.from(agent, 'hex'))
  })
}

async function read(folder: string): Promise<Secrets> {
  await makePrivate(folder, 0o700)
  const { mnemonic, default_agent: defaultAgent } = await readSecret(join(folder, 'identity.json'), 'identity.json')
  const key = await rootKey(mnemonic)
  if (key === null || typeof defaultAgent !== 'string') throw unreadable('identity.json')

  const stored = await readSecret(join(folder, 'device.json'), 'device.json')
  if (!isSeed(stored.seed) || typeof stored.proof !== 'string') throw unreadable('device.json')
  const device = crypto.keyPair(Buffer.from(stored.seed, 'hex'))
  const proof = Buffer.from(stored.proof, 'hex')
  if (!belongs(proof, device, key)) throw unreadable('device.json')

  const agents = new Map<string, KeyPair>()
  for (const name of await listSecrets(join(folder, 'agents'))) {
    const { seed, name: inside } = await readSecret(agentFile(folder, name), `agents/${name}.json`)
    if (!AGENT_NAME.test(name) || inside !== name || !isSeed(seed)) throw unreadable(`agents/${name}.json`)
    agents.set(name, crypto.keyPair(Buffer.from(seed, 'hex')))
  }
  if (!agents.has(defaultAgent)) throw unreadable(`agents/${defaultAgent}.json`, { code: 'ENOENT' })
  return { folder, key, device, proof, defaultAgent, agents }
}

/** The identity's public key, or null when these are not 24 words of a mnemonic. The secret key is forgotten at once. */
async function rootKey(mnemonic: unknown): Promise<Buffer | null> {
  if (typeof mnemonic !== 'string' || mnemonic.split(' ').length !== 24) return null
  try {
    const identity = await IdentityKey.from({ mnemonic })
    const key = Buffer.from(identity.identityPublicKey)
    identity.clear()
    return key
  } catch {
    return null
  }
}

function isSeed(value: unknown): value is string {
  return typeof value === 'string' && SEED.test(value)
}

/** Whether the stored attestation is of this device by this identity: a mixed-up folder must not sign anything. */
function belongs(proof: Buffer, device: KeyPair, identity: Buffer): boolean {
  try {
    const data = Buffer.alloc(32)
    const proven = verifyDeviceProof(IdentityKey.attestData(data, device, proof), data, device.publicKey)
    return proven?.identity.equals(identity) ?? false
  } catch {
    return false
  }
}

/** The user's name on this machine as far as the rule for names lets it through, else `agent`. */
function firstAgentName(): string {
  let user = ''
  try {
    user = userInfo().username
  } catch {
    // Containers run under user ids that have no name.
  }
  const name = user
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32)
  return AGENT_NAME.test(name) ? name : 'agent'
}
