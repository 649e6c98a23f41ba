/** Operations on the pacts of this machine: which there are, a new one, which is meant, leaving one. */
import { OpenPactError, Type } from '../../../kernel/index.ts'
import { operation } from '../../operations/operation.ts'
import { addressed, mayRead } from '../addressed.ts'
import { activePact } from '../service.ts'
import { Alias, Charter, PactName, PactSummary } from '../shapes.ts'
import { summaryOf } from '../views.ts'

export const listPacts = operation({
  name: 'pacts.list',
  summary: 'List the pacts of this machine',
  http: 'GET /pacts',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({ entries: Type.Array(PactSummary), cursor: Type.Null(), has_more: Type.Literal(false) }),
  cli: { path: 'list', columns: ['alias', 'name', 'active', 'length', 'confirmed', 'synced', 'waiting'] },
  run: async (_input, call) => {
    const active = call.use(activePact).get()
    const pacts = call.kernel.pacts.list().filter(pact => mayRead(call.caller, pact))
    return {
      entries: await Promise.all(pacts.map(pact => summaryOf(pact, pact === active))),
      cursor: null,
      has_more: false as const,
    }
  },
})

const { name, purpose, types } = Charter.properties

export const createPact = operation({
  name: 'pacts.create',
  summary: 'Create a pact on this machine',
  http: 'POST /pacts',
  scope: 'daemon',
  access: 'admin',
  created: true,
  input: Type.Object({
    name,
    alias: Type.Optional(Alias),
    purpose: Type.Optional(purpose),
    invites: Type.Optional(Type.Enum(['admin', 'member'], { description: 'Who may invite besides admins' })),
    types: Type.Optional(types),
  }),
  output: PactSummary,
  errors: ['PACT_EXISTS', 'DISK_FULL'],
  run: async (input, call) => {
    const active = call.use(activePact)
    const pact = await call.kernel.pacts.create(input)
    active.arrived(pact)
    return summaryOf(pact, active.get() === pact)
  },
})

export const switchPact = operation({
  name: 'pacts.switch',
  summary: 'Choose the pact that is meant when none is named',
  http: 'POST /pacts/switch',
  scope: 'daemon',
  access: 'write',
  input: Type.Object({ pact: PactName }),
  output: PactSummary,
  errors: ['PACT_UNKNOWN'],
  cli: { path: 'switch', args: ['pact'] },
  run: async (input, call) => {
    const pact = addressed(call, switchPact.definition, input.pact)
    call.use(activePact).choose(pact)
    return summaryOf(pact, true)
  },
})

export const renamePact = operation({
  name: 'pacts.rename',
  summary: 'Give a pact another alias on this machine',
  http: 'PUT /alias',
  access: 'admin',
  signs: false,
  input: Type.Object({ alias: Alias }),
  output: Type.Object({ id: Type.String(), alias: Type.String() }),
  errors: ['PACT_EXISTS'],
  cli: { path: 'rename', args: ['alias'] },
  run: async ({ alias }, call) => {
    await call.kernel.pacts.rename(call.pact.id, alias)
    return { id: call.pact.id, alias }
  },
})

export const leavePact = operation({
  name: 'pacts.leave',
  summary: 'Leave a pact: close it and delete its data from this machine',
  description:
    'The seat stays, so the machine may come back with a new invite. To give the seat up too, retire the device first. ' +
    'What this machine has written stays with the other members.',
  http: 'DELETE /pacts/:pactId',
  scope: 'daemon',
  access: 'admin',
  input: Type.Object({
    pactId: PactName,
    force: Type.Optional(Type.Boolean({ description: 'Even when this machine is the only indexer' })),
  }),
  output: Type.Object({ id: Type.String(), alias: Type.String(), left: Type.Literal(true) }),
  errors: ['PACT_UNKNOWN', 'LEAVING_STOPS_PACT'],
  cli: { path: 'leave', args: ['pactId'] },
  run: async ({ pactId, force }, call) => {
    const pact = addressed(call, leavePact.definition, pactId)
    const { id, alias } = pact
    const { indexers } = await pact.status()
    if (!force && indexers.length === 1 && indexers[0]?.self) {
      const others = (await pact.members()).some(seat => seat.writer !== pact.writer.toString('hex'))
      const loss = others ? 'nothing is confirmed and nobody is admitted any more' : 'all of its data is gone for good'
      throw new OpenPactError('LEAVING_STOPS_PACT', { pact: alias, loss })
    }
    await call.kernel.pacts.remove(id)
    return { id, alias, left: true as const }
  },
})
