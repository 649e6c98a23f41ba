/** What a user can do with the devices of the own identity. */
import { type Member, OpenPactError, Type } from '../../kernel/index.ts'
import { type Call, operation } from '../operations/operation.ts'
import { writersNamed } from '../pacts/seats.ts'
import { SeatNames } from '../pacts/shapes.ts'
import { deviceLink } from './service.ts'

const Device = Type.Object({
  writer: Type.String({ description: 'Key of the device’s core in this pact, hex' }),
  noise: Type.String({ description: 'Key of the device on the network, hex' }),
  is_self: Type.Boolean(),
  online: Type.Boolean(),
  indexer: Type.Boolean(),
  since: Type.Integer({ description: 'Position of the entry that seated it' }),
})

export const linkDevice = operation({
  name: 'devices.link',
  summary: 'Make a link with which another machine with the same 24 words joins this pact',
  description: 'The link is no secret of its own: only a machine that holds the identity gets in by it.',
  http: 'POST /devices/link',
  access: 'admin',
  signs: false,
  input: Type.Object({}),
  output: Type.Object({ token: Type.String({ description: 'For `openpact join` on the other machine' }) }),
  cli: {
    path: 'device link',
    after:
      'It leads into the pact {pact}. On the other machine of yours: openpact init --restore-identity, then openpact join {token}',
  },
  run: (_input, call) => ({ token: deviceLink(call.pact.key) }),
})

export const listDevices = operation({
  name: 'devices.list',
  summary: 'List the devices of your identity in this pact',
  http: 'GET /devices',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(Device), cursor: Type.Null(), has_more: Type.Literal(false) }),
  cli: { path: 'devices', columns: ['writer', 'is_self', 'online', 'indexer', 'since'] },
  run: async (_input, call) => {
    const { peers } = await call.pact.status()
    const online = new Set(peers.filter(peer => peer.tunnel).map(peer => peer.noise))
    const entries = (await ownDevices(call)).map(({ writer, noise, indexer, since }) => {
      const is_self = writer === call.pact.writer.toString('hex')
      return { writer, noise, is_self, online: is_self || online.has(noise), indexer, since }
    })
    return { entries, cursor: null, has_more: false as const }
  },
})

export const retireDevice = operation({
  name: 'devices.retire',
  summary: 'Retire a device of your identity: it can neither read on nor write, and never comes back',
  description: 'For a lost or replaced machine. What it already holds it keeps. Your identity stays a member.',
  http: 'DELETE /devices/:writer',
  access: 'admin',
  input: Type.Object({
    writer: Type.String({
      pattern: '^[0-9a-f]{8,64}$',
      title: 'the key of a device, or its first 8 hex digits',
    }),
    indexers: Type.Optional(SeatNames),
  }),
  output: Type.Object({ writer: Type.String(), entry: Type.String(), confirmed: Type.Boolean() }),
  errors: ['DEVICE_UNKNOWN', 'DEVICE_NEWER', 'INDEXERS_NEEDED', 'INDEXER_SET_SIZE', 'INDEXER_NOT_SEATED', 'LAST_ADMIN'],
  cli: { path: 'device retire', args: ['writer'] },
  run: async (input, call) => {
    const { writer, indexer } = byWriter(await ownDevices(call), input.writer)
    // The ledger would refuse it as well, but what is signed stays there for ever.
    if (indexer && !input.indexers) throw new OpenPactError('INDEXERS_NEEDED')
    const indexers = input.indexers && (await writersNamed(call, input.indexers))
    const payload = { writer, ...(indexers ? { indexers } : {}) }
    const receipt = await call.append({ type: 'device.retire', payload }, { details: { writer: writer.slice(0, 8) } })
    return { writer, entry: receipt.id, confirmed: receipt.confirmed }
  },
})

async function ownDevices(call: Call): Promise<Member[]> {
  const identity = call.kernel.identity.key.toString('hex')
  return (await call.pact.members()).filter(seat => seat.identity === identity).sort((a, b) => a.since - b.since)
}

/** @throws OpenPactError DEVICE_UNKNOWN */
function byWriter(seats: Member[], start: string): Member {
  const seat = seats.find(each => each.writer.startsWith(start))
  if (!seat) throw new OpenPactError('DEVICE_UNKNOWN', { writer: start })
  return seat
}
