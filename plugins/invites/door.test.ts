import { CandidateRequest } from 'blind-pairing-core'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applicationOf, doorTopic, type Pact } from '../../kernel/index.ts'
import { Machine as Stranger } from '../../test/support/machines.ts'
import { eventually, type Machine, Network } from '../../test/support/network.ts'
import { seatRequest } from './rules.ts'
import { joining } from './service.ts'
import { decodeToken } from './token.ts'
import { DOOR_PROTOCOL, decodeAnswer, encodeKnock, encodeWelcome, type Knock } from './wire.ts'

let net: Network
let founder: Machine
let pact: Pact
const strangers: Stranger[] = []

beforeEach(async () => {
  net = await Network.open()
  founder = await net.founder()
  pact = founder.pact()
})
afterEach(async () => {
  for (const stranger of strangers.splice(0)) await stranger.close()
  await net.close()
})

async function stranger(): Promise<Stranger> {
  const made = new Stranger(net.bootstrap, {})
  strangers.push(made)
  await made.network.start()
  return made
}

/** Says things at the door of the pact. Collects what is answered; `shut` is true when the member ended it. */
async function visit(visitor: Stranger, messages: Buffer[]) {
  const visited = { heard: [] as Buffer[], shut: false }
  visitor.network.announce(doorTopic(pact.key), { server: false })
  visitor.network.door(DOOR_PROTOCOL, doorTopic(pact.key), {
    onopen: channel => messages.forEach(message => void channel.send(message)),
    onmessage: message => void visited.heard.push(Buffer.from(message)),
    onclose: () => {
      visited.shut = true
    },
  })
  await eventually(() => visited.shut || visited.heard.length > 0)
  return visited
}

const invited = async (input: object = {}) => (await founder.get<{ token: string }>('invites.create', input)).token
const inside = (token: string) => decodeToken(token, [{ prefix: 'op1', bytes: 66 }]).bytes

/** The knock of a machine that is prepared to join, for a door that need not be this pact's. */
async function knockOf(machine: Machine, token: string): Promise<Knock> {
  const { writer } = await machine.kernel.pacts.prepare('aa')
  const application = applicationOf(machine.kernel.identity, doorTopic(pact.key), writer)
  const identity = machine.kernel.identity.key.toString('hex')
  const request = new CandidateRequest(inside(token), Buffer.from(seatRequest({ ...application, identity })))
  return { kind: 0, evidence: Buffer.from(request.encode()), identity, application }
}

/** The door still works, and nothing was written but what this newcomer caused. */
async function stillOpen(length: number): Promise<void> {
  expect(pact.length).toBe(length)
  const newcomer = await net.member(founder)
  expect(newcomer.pact().id).toBe(pact.id)
}

describe('a stranger at the door', () => {
  it('with garbage, too much or nothing is shut out, and nobody stops', async () => {
    const { length } = pact
    for (const message of [
      Buffer.alloc(0),
      Buffer.from('{"t":"charter"}'),
      Buffer.alloc(1024, 255),
      Buffer.alloc(98),
    ]) {
      expect(await visit(await stranger(), [message])).toMatchObject({ shut: true, heard: [] })
    }
    await stillOpen(length)
  })

  it('with a request without session or data, which crashes stock pairing, is refused', async () => {
    const token = await invited({ max_uses: 9 })
    const { length } = pact
    const knock = await knockOf(await net.machine(), token)
    const id = knock.evidence.subarray(0, 32)
    const requests = [
      Buffer.concat([id, Buffer.from([0, 0])]),
      Buffer.concat([id, Buffer.from([32]), Buffer.alloc(32), Buffer.from([0])]),
      Buffer.concat([id, Buffer.from([32]), Buffer.alloc(32), Buffer.from([3, 1, 2, 3])]),
      Buffer.concat([id, Buffer.from([1, 7, 1, 7])]),
      id,
      Buffer.alloc(0),
      Buffer.concat([id, Buffer.from([32]), Buffer.alloc(32, 1), Buffer.from([100]), Buffer.alloc(100, 2)]),
    ]
    const { heard } = await visit(
      await stranger(),
      requests.map(evidence => encodeKnock({ ...knock, evidence })),
    )
    expect(decodeAnswer(heard[0] as Buffer)).toMatchObject({ status: 'refused' })
    for (const message of heard) expect(decodeAnswer(message)).not.toHaveProperty('welcome')
    await stillOpen(length)
  })

  it('with the copied request of another gets nothing, before and after that one is in', async () => {
    const token = await invited({ max_uses: 5 })
    const newcomer = await net.machine()
    const copied = encodeKnock(await knockOf(newcomer, token))
    const refused = { status: 'refused', words: 'the request was not made for this seat' }
    const before = await visit(await stranger(), [copied])
    expect(before.heard.map(decodeAnswer)).toEqual([refused])
    await newcomer.get('pacts.join', { token, alias: 'test' })
    // There may be two members by now, and both answer.
    const after = await visit(await stranger(), [copied])
    for (const message of after.heard) expect(decodeAnswer(message)).toEqual(refused)
    expect(await pact.members()).toHaveLength(2)
  })

  it('with somebody else’s attestation, or none that fits, is refused without an entry', async () => {
    const token = await invited({ max_uses: 5 })
    const { length } = pact
    const victim = await knockOf(await net.machine(), token)
    const thief = await stranger()
    // The thief holds the token: it can sign requests for its own Noise key, but not speak for the victim's identity.
    const application = { ...victim.application, noise: thief.hex }
    const request = new CandidateRequest(
      inside(token),
      Buffer.from(seatRequest({ ...application, identity: victim.identity })),
    )
    const { heard } = await visit(thief, [
      encodeKnock({ ...victim, application, evidence: Buffer.from(request.encode()) }),
    ])
    expect(heard.map(decodeAnswer)).toEqual([{ status: 'refused', words: 'the attestation does not fit this machine' }])
    await stillOpen(length)
  })

  it('who does not know the invite learns only that', async () => {
    const { length } = pact
    const elsewhere = await net.founder()
    const { token } = await elsewhere.get<{ token: string }>('invites.create')
    const { heard } = await visit(await stranger(), [encodeKnock(await knockOf(await net.machine(), token))])
    expect(heard.map(decodeAnswer)).toMatchObject([{ status: 'unknown' }])
    await stillOpen(length)
  })

  it('who knocks without end is shut out', async () => {
    const token = await invited()
    const { length } = pact
    const knock = encodeKnock({ ...(await knockOf(await net.machine(), token)), evidence: Buffer.alloc(34) })
    const visitor = await stranger()
    const visited = await visit(
      visitor,
      Array.from({ length: 12 }, () => knock),
    )
    await eventually(() => visited.shut)
    expect(visited.heard.length).toBeLessThanOrEqual(8)
    await stillOpen(length)
  })
})

describe('a false member at the door', () => {
  /** Answers whoever knocks, as a member would. The real member is away. */
  async function falseMember(answers: Buffer[]): Promise<{ knocks: number }> {
    const met = { knocks: 0 }
    const member = await stranger()
    member.network.announce(doorTopic(pact.key), { client: false })
    member.network.door(DOOR_PROTOCOL, doorTopic(pact.key), {
      onmessage(_message, channel) {
        met.knocks++
        for (const answer of answers) channel.send(answer)
      },
    })
    return met
  }

  it('cannot lead a newcomer into another pact, nor stop it with garbage', async () => {
    const token = await invited()
    await founder.stop()
    const welcome = encodeWelcome({ key: crypto.randomBytes(32), encryptionKey: crypto.randomBytes(32), name: 'trap' })
    const met = await falseMember([Buffer.from([1]), welcome, Buffer.alloc(900, 7)])
    const newcomer = await net.machine()
    await newcomer.ask('pacts.join', { token, alias: 'test', timeout: 0 })
    await eventually(() => met.knocks > 0)
    expect(newcomer.kernel.pacts.list()).toEqual([])
    await founder.start()
    await eventually(() => newcomer.kernel.pacts.find('test'))
    await eventually(() => newcomer.kernel.use(joining).list().length === 0)
  })
})
