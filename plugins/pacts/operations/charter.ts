/** The charter: what can change what is accepted in a pact. */
import { type CharterChange, type CharterState, OpenPactError, type Pact, Type } from '../../../kernel/index.ts'
import { operation } from '../../operations/operation.ts'
import { Charter, CharterView, Written } from '../shapes.ts'

export const readCharter = operation({
  name: 'pacts.charter',
  summary: 'Read the charter of a pact',
  http: 'GET /charter',
  access: 'read',
  input: Type.Object({}),
  output: CharterView,
  errors: ['REPLICATION_STALLED'],
  cli: { path: 'charter' },
  run: (_input, call) => current(call.pact),
})

const { name, purpose, invites, types, quotas, rules } = Charter.properties

export const amendCharter = operation({
  name: 'pacts.amend',
  summary: 'Amend the charter: only the fields that are given change, each as a whole',
  description:
    'Turning a rule on or up is only proposed: it is active from where a quorum of indexers has said that it can run it.',
  http: 'PATCH /charter',
  access: 'admin',
  input: Type.Object({
    name: Type.Optional(name),
    purpose: Type.Optional(purpose),
    invites: Type.Optional(invites),
    types: Type.Optional(types),
    quotas: Type.Optional(quotas),
    rules: Type.Optional(rules),
    force: Type.Optional(Type.Boolean({ description: 'Also when it switches off rules, or writing altogether' })),
    base: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{64}$',
        description: 'Hash of the charter you read; the present one if absent',
      }),
    ),
  }),
  output: Type.Object({ ...CharterView.properties, ...Written }),
  errors: [
    'INVALID_INPUT',
    'NOT_AUTHORISED',
    'CHARTER_SWITCHES_OFF',
    'CHARTER_CONFLICT',
    'CHARTER_INVALID',
    'REPLICATION_STALLED',
  ],
  cli: { path: 'charter amend' },
  run: async ({ base, force = false, ...change }, call) => {
    if (Object.keys(change).length === 0) {
      throw new OpenPactError('INVALID_INPUT', { reason: 'name at least one field of the charter to change.' })
    }
    const before = await current(call.pact)
    const lost = switchedOff(before.charter, change)
    if (lost && !force) throw new OpenPactError('CHARTER_SWITCHES_OFF', { what: lost })
    const hash = base ?? before.hash
    const receipt = await call.append({ type: 'pact.amend', payload: { base: hash, change } })
    return { ...(await current(call.pact)), entry: receipt.id, confirmed: receipt.confirmed }
  },
})

/** What a change takes from the members, in words; undefined when nothing. */
function switchedOff(charter: CharterState['charter'], change: CharterChange): string | undefined {
  const gone = charter.rules.filter(rule => change.rules && !change.rules.some(r => r.plugin === rule.plugin))
  if (gone.length > 0) return `the rules of ${gone.map(rule => `"${rule.plugin}"`).join(', ')}`
  return change.types?.length === 0 ? 'writing altogether' : undefined
}

async function current(pact: Pact): Promise<CharterState> {
  const state = await pact.charter()
  if (!state)
    throw new OpenPactError('REPLICATION_STALLED', { reason: 'The first entries of the pact are not here yet.' })
  return state
}
