/** How this machine and its pacts are doing. */
import { Type } from '../../../kernel/index.ts'
import { joining } from '../../invites/service.ts'
import { operation } from '../../operations/operation.ts'
import { readModel } from '../../read-model/service.ts'
import { addressed, mayRead } from '../addressed.ts'
import { activePact } from '../service.ts'
import { Charter, JoinInfo, Nullable, PactName, PactSummary } from '../shapes.ts'
import { selfOf, statusOf, summaryOf } from '../views.ts'
import { joinView } from './join.ts'

const Self = {
  peer_handle: Type.String({ description: 'Handle of the default agent' }),
  public_key: Type.String({ description: 'Key of the default agent, hex' }),
  identity: Type.String({ description: 'Key of the identity, hex' }),
  device: Type.String({ description: 'Key of this machine on the network, hex' }),
}

export const pactStatus = operation({
  name: 'pacts.status',
  summary: 'How a pact is doing on this machine, and what it waits for',
  http: 'GET /status',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({
    ...Self,
    id: Type.String(),
    pact_id: Type.String(),
    alias: Type.String(),
    name: Type.String(),
    length: Type.Integer({ description: 'Entries in the ledger' }),
    confirmed: Type.Integer({ description: 'Of these, how many will never move' }),
    chain: Nullable(Type.String(), 'Commits to all entries so far: equal on machines that hold the same ledger'),
    contiguous: Type.Integer({ description: 'Entries held here from the start without a gap' }),
    synced: Type.Boolean({ description: 'Everything is on this machine and can be served without anyone else' }),
    writable: Type.Boolean(),
    indexer: Type.Boolean(),
    indexers: Type.Array(
      Type.Object({
        writer: Type.String(),
        identity: Nullable(Type.String()),
        online: Type.Boolean(),
        self: Type.Boolean(),
      }),
    ),
    waiting: Type.String({ description: 'What must happen before entries are confirmed; empty when nothing' }),
    interrupted: Type.Union([Type.Null(), Type.Object({ reason: Type.String(), cure: Type.String() })]),
    peers: Type.Array(
      Type.Object({
        noise: Type.String(),
        identity: Nullable(Type.String()),
        since: Type.String({ description: 'ISO 8601' }),
        tunnel: Type.Boolean(),
      }),
    ),
    index: Type.Object({ indexed: Type.Integer(), length: Type.Integer(), partial: Type.Boolean() }),
    rules: Type.Record(Type.String(), Type.Object({ protocol: Type.Integer(), digest: Type.String() }), {
      description: 'Ruled plugins here; the digest is the same on machines with the same code',
    }),
    charter_hash: Nullable(Type.String()),
    proposed: Nullable(Type.String(), 'Hash of a charter that waits for indexers'),
    health: Type.Object({ ok: Type.Boolean(), problems: Type.Array(Type.String()), repairs: Type.Integer() }),
  }),
  cli: { path: 'status' },
  mcp: {
    tool: 'pact_status',
    use: 'Use when you need your own handle, or to know why something is not confirmed',
    idempotent: true,
  },
  run: (_input, call) => statusOf(call.pact, call.kernel, call.use(readModel)),
})

export const machineStatus = operation({
  name: 'pacts.machine',
  summary: 'This machine: who it is, its network, its pacts, what it is joining',
  http: 'GET /status',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({
    ...Self,
    version: Type.String(),
    network: Type.Object({
      online: Type.Boolean(),
      connections: Type.Integer(),
      strangers: Type.Integer(),
      nodes: Type.Integer({ description: 'Nodes of the DHT that answered; 0 while none can be reached' }),
      bootstrap: Type.Union([Type.Array(Type.String()), Type.Null()]),
      address: Nullable(Type.String()),
    }),
    active: Nullable(Type.String(), 'Id of the pact that is meant when none is named'),
    pacts: Type.Array(PactSummary),
    failed: Type.Array(
      Type.Object({ id: Type.String(), error: Type.String(), message: Type.String(), help: Type.String() }),
      { description: 'Pacts that could not be opened, and the way out' },
    ),
    joining: Type.Array(JoinInfo),
  }),
  run: async (_input, call) => {
    const { kernel } = call
    const active = call.use(activePact).id()
    const pacts = kernel.pacts.list().filter(pact => mayRead(call.caller, pact))
    return {
      ...selfOf(kernel),
      version: kernel.version,
      network: kernel.network.status(),
      active: active !== null && (call.caller.pacts?.includes(active) ?? true) ? active : null,
      pacts: await Promise.all(pacts.map(pact => summaryOf(pact, pact.id === active))),
      failed: call.caller.pacts
        ? []
        : [...kernel.pacts.failed].map(([id, { code, message, help }]) => ({ id, error: code, message, help })),
      joining: call.caller.pacts ? [] : call.use(joining).list().map(joinView),
    }
  },
})

export const pactInfo = operation({
  name: 'pacts.info',
  summary: 'What a pact is: its name, its purpose and its charter',
  http: 'GET /pacts/:pactId',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({ pactId: PactName }),
  output: Type.Intersect([
    PactSummary,
    Type.Object({
      purpose: Type.String(),
      template: Type.String(),
      charter: Type.Union([Charter, Type.Null()], {
        description: 'Null while the first entries are still being fetched',
      }),
      charter_hash: Nullable(Type.String()),
    }),
  ]),
  errors: ['PACT_UNKNOWN'],
  cli: { path: 'info', args: ['pactId'] },
  run: async ({ pactId }, call) => {
    const pact = addressed(call, pactInfo.definition, pactId)
    const state = await pact.charter()
    return {
      ...(await summaryOf(pact, call.use(activePact).get() === pact)),
      purpose: state?.charter.purpose ?? '',
      template: state?.charter.template ?? '',
      charter: state?.charter ?? null,
      charter_hash: state?.hash ?? null,
    }
  },
})

export const listPlugins = operation({
  name: 'pacts.plugins',
  summary: 'List the plugins of this machine: where each comes from, what it offers, how it is doing',
  http: 'GET /plugins',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({
    entries: Type.Array(
      Type.Object({
        name: Type.String(),
        version: Type.String(),
        summary: Type.String(),
        source: Type.String(),
        state: Type.String(),
        error: Nullable(Type.String()),
        requires: Type.Array(Type.String()),
        provides: Type.Array(Type.String()),
        entryTypes: Type.Array(Type.String()),
        words: Type.Record(Type.String(), Type.String(), {
          description: 'By entry type: one line for people, with {fields} of the payload',
        }),
        contributions: Type.Array(Type.Object({ point: Type.String(), id: Type.String() })),
        rules: Type.Union([
          Type.Null(),
          Type.Object({
            protocol: Type.Integer(),
            digest: Type.String(),
            types: Type.Array(Type.String(), { description: 'Entry types that they judge' }),
            defaults: Type.Unknown({ description: 'Settings that they start with in a charter' }),
          }),
        ]),
      }),
    ),
    cursor: Type.Null(),
    has_more: Type.Literal(false),
  }),
  cli: { path: 'plugins', columns: ['name', 'version', 'state', 'summary', 'source', 'error'] },
  run: (_input, call) => ({ entries: call.kernel.plugins(), cursor: null, has_more: false as const }),
})
