import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openIdentity, recoverIdentity } from './identity.ts'
import { verifyAgentProof, verifyDeviceProof } from './proof.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openpact-identity-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const file = (...names: string[]) => join(dir, 'identity', ...names)
const json = async (...names: string[]) => JSON.parse(await readFile(file(...names), 'utf8'))
const mode = async (path: string) => (await stat(path)).mode & 0o777

/** Every file of the identity with its content: what must not change when opening fails. */
async function content(): Promise<Record<string, string>> {
  const files = await readdir(file(), { recursive: true, withFileTypes: true })
  const found: Record<string, string> = {}
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[path] = await readFile(path, 'hex')
  }
  return found
}

describe('openIdentity', () => {
  test('makes an identity once and finds the same one again', async () => {
    const made = await openIdentity(join(dir, 'identity'))
    const found = await openIdentity(join(dir, 'identity'))
    expect(found.key).toEqual(made.key)
    expect(found.device).toEqual(made.device)
    expect(found.deviceKeyPair).toEqual(made.deviceKeyPair)
    expect(found.agents()).toEqual(made.agents())
    expect(found.defaultAgent).toEqual(made.defaultAgent)
    expect((await json('identity.json')).mnemonic.split(' ')).toHaveLength(24)
  })

  test('takes an empty folder that the host has made', async () => {
    await mkdir(file(), { mode: 0o700 })
    expect((await openIdentity(join(dir, 'identity'))).agents()).toHaveLength(1)
  })

  test('starts over when a crash left a half-written draft', async () => {
    await mkdir(`${file()}.new`)
    await writeFile(`${file()}.new/identity.json`, '{"mnem')
    await openIdentity(join(dir, 'identity'))
    expect((await readdir(dir)).sort()).toEqual(['identity'])
  })

  test('keeps secrets to the owner, and takes rights back that a copy gave away', async () => {
    await openIdentity(join(dir, 'identity'))
    const paths = [file('identity.json'), file('device.json'), file('agents', (await readdir(file('agents')))[0] ?? '')]
    expect(await mode(file())).toBe(0o700)
    expect(await mode(file('agents'))).toBe(0o700)
    for (const path of paths) expect(await mode(path)).toBe(0o600)
    await chmod(file(), 0o755)
    for (const path of paths) await chmod(path, 0o644)
    await openIdentity(join(dir, 'identity'))
    expect(await mode(file())).toBe(0o700)
    for (const path of paths) expect(await mode(path)).toBe(0o600)
  })

  test('shows handles of name and key, and no secret', async () => {
    const identity = await openIdentity(join(dir, 'identity'))
    const agent = identity.defaultAgent
    expect(agent.name).toMatch(/^[a-z0-9][a-z0-9-]{0,31}$/)
    expect(agent.handle).toBe(`${agent.name}-${agent.key.toString('hex').slice(0, 6)}`)
    expect(identity.handle).toBe(`${agent.name}-${identity.key.toString('hex').slice(0, 6)}`)
    expect(JSON.stringify(identity)).not.toContain(identity.deviceKeyPair.secretKey.toString('hex'))
  })
})

describe('proofs', () => {
  test('the device and each agent can be verified against the identity', async () => {
    const identity = await openIdentity(join(dir, 'identity'))
    const { name, key } = await identity.createAgent('claude')
    const data = crypto.randomBytes(32)
    const device = verifyDeviceProof(identity.attest(data), data, identity.device)
    expect(device?.identity).toEqual(identity.key)
    const agent = verifyAgentProof(identity.attestAgent(name, data), data, key)
    expect(agent).toEqual({ identity: identity.key, device: identity.device, epoch: device?.epoch })
  })

  test('an agent signs with its own key', async () => {
    const identity = await openIdentity(join(dir, 'identity'))
    const { key } = await identity.createAgent('claude')
    const message = Buffer.from('said by claude')
    expect(crypto.verify(message, identity.sign('claude', message), key)).toBe(true)
    expect(crypto.verify(message, identity.sign(identity.defaultAgent.name, message), key)).toBe(false)
    expect(() => identity.sign('nobody', message)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

describe('agents', () => {
  test('are added, kept over a restart and removed', async () => {
    const identity = await openIdentity(join(dir, 'identity'))
    const claude = await identity.createAgent('claude')
    expect((await openIdentity(join(dir, 'identity'))).agent('claude')).toEqual(claude)
    await identity.removeAgent('claude')
    expect(identity.agent('claude')).toBeNull()
    expect((await openIdentity(join(dir, 'identity'))).agent('claude')).toBeNull()
  })

  test('refuses names that are taken, malformed or unknown, and the removal of the default', async () => {
    const identity = await openIdentity(join(dir, 'identity'))
    const refused = (work: Promise<unknown>) =>
      expect(work).rejects.toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    for (const name of ['', '-a', 'Claude', 'a b', '../up', 'a/b', 'é', 'x'.repeat(33), 'a\0', 'a.json']) {
      await refused(identity.createAgent(name))
    }
    const [first, second] = await Promise.allSettled([identity.createAgent('twice'), identity.createAgent('twice')])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    await refused(identity.removeAgent('nobody'))
    await refused(identity.removeAgent(identity.defaultAgent.name))
    expect(identity.agents()).toHaveLength(2)
  })
})

describe('broken files', () => {
  const other = async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'openpact-identity-'))
    try {
      await openIdentity(join(elsewhere, 'identity'))
      return await readFile(join(elsewhere, 'identity', 'device.json'))
    } finally {
      await rm(elsewhere, { recursive: true, force: true })
    }
  }
  const breakages: Record<string, () => Promise<void>> = {
    'words missing': () => rm(file('identity.json')),
    'words cut short': async () =>
      writeFile(file('identity.json'), (await readFile(file('identity.json'))).subarray(0, 40)),
    'words that are none': async () =>
      writeFile(file('identity.json'), JSON.stringify({ ...(await json('identity.json')), mnemonic: 'one two' })),
    'device missing': () => rm(file('device.json')),
    'device empty': () => writeFile(file('device.json'), ''),
    'device not an object': () => writeFile(file('device.json'), '[]'),
    'device with another seed': async () =>
      writeFile(file('device.json'), JSON.stringify({ ...(await json('device.json')), seed: 'ab'.repeat(32) })),
    'device of another identity': async () => writeFile(file('device.json'), await other()),
    'agents missing': () => rm(file('agents'), { recursive: true }),
    'default agent missing': async () => rm(file('agents', (await readdir(file('agents')))[0] ?? '')),
    'an agent under a wrong name': async () =>
      writeFile(file('agents', 'x.json'), JSON.stringify({ version: 1, name: 'y', seed: 'ab'.repeat(32) })),
    'a file that is a folder': async () => {
      await rm(file('device.json'))
      await mkdir(file('device.json'))
    },
  }
  for (const [name, damage] of Object.entries(breakages)) {
    test(`${name}: says so and changes nothing`, async () => {
      await openIdentity(join(dir, 'identity'))
      await damage()
      const before = await content()
      const error = await openIdentity(join(dir, 'identity')).catch(e => e)
      expect(error).toMatchObject({ code: 'IDENTITY_UNREADABLE' })
      expect(error.message).not.toContain(dir)
      expect(await content()).toEqual(before)
    })
  }
})

describe('recoverIdentity', () => {
  test('brings the identity back with a new device and agent', async () => {
    const lost = await openIdentity(join(dir, 'identity'))
    const { mnemonic } = await json('identity.json')
    await rm(file(), { recursive: true })
    const found = await recoverIdentity(join(dir, 'identity'), `  ${mnemonic.toUpperCase().replaceAll(' ', '\n ')} `)
    expect(found.key).toEqual(lost.key)
    expect(found.device).not.toEqual(lost.device)
    expect(found.defaultAgent.key).not.toEqual(lost.defaultAgent.key)
    expect((await openIdentity(join(dir, 'identity'))).device).toEqual(found.device)
  })

  test('refuses wrong words, and a directory that has an identity', async () => {
    const words = `${'abandon '.repeat(23)}art`
    for (const wrong of ['', 'abandon', `${'abandon '.repeat(23)}abandon`, `${'abandon '.repeat(11)}about`]) {
      await expect(recoverIdentity(join(dir, 'identity'), wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    await recoverIdentity(join(dir, 'identity'), words)
    const before = await content()
    await expect(recoverIdentity(join(dir, 'identity'), words)).rejects.toMatchObject({ code: 'IDENTITY_EXISTS' })
    expect(await content()).toEqual(before)
  })
})
