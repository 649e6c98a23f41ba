/** The charter: what can change what is accepted in a pact. */
import { setTimeout as pause } from 'node:timers/promises'
import {
  type CharterChange,
  type CharterState,
  type Kernel,
  OpenPactError,
  type Pact,
  Type,
} from '../../../kernel/index.ts'
import { didYouMean } from '../../operations/near-names.ts'
import { type Call, operation } from '../../operations/operation.ts'
import { isAdmin } from '../seats.ts'
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
    'Rules that are new or set otherwise are only proposed: they are active from where a quorum of indexers has said that it can run them. ' +
    'All else holds at once, and what was proposed before stays so unless `rules` are given.',
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
        title: 'the hash of a charter, 64 hex digits',
        description: 'Hash of the charter you read, of the proposed one where there is one; the present one if absent',
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
    const written = await amend(call, before, change, { base, force })
    return { ...(await current(call.pact)), ...written }
  },
})

const PluginName = Type.String({ minLength: 1, maxLength: 64, description: 'Name of a plugin that has rules' })

const RuleSwitched = Type.Object({
  plugin: Type.String(),
  state: Type.Enum(['on', 'proposed', 'off']),
  next: Type.String({ description: 'What that means, and what happens next' }),
  entry: Type.Union([Type.String(), Type.Null()], { description: 'Id of the amendment; null when it was so already' }),
  confirmed: Type.Boolean(),
})

export const enableRules = operation({
  name: 'pacts.enable_rules',
  summary: 'Put the rules of a loaded plugin into the charter, with the settings that they start with',
  description:
    'It is only proposed: the rules are in force from where a quorum of indexers has said that it can run them. ' +
    'Where they are in the charter already, nothing changes; other settings are given by amending the charter.',
  http: 'PUT /charter/rules/:plugin',
  access: 'admin',
  input: Type.Object({ plugin: PluginName }),
  output: RuleSwitched,
  errors: ['RULES_UNKNOWN', 'NOT_AUTHORISED', 'CHARTER_CONFLICT', 'REPLICATION_STALLED'],
  cli: { path: 'charter enable', args: ['plugin'] },
  run: async ({ plugin }, call) => {
    const before = await current(call.pact)
    const wanted = wantedRules(before)
    if (wanted.some(rule => rule.plugin === plugin)) return switched(before, plugin)
    const { protocol, defaults } = rulesOf(call.kernel, plugin)
    const rules = [...wanted, { plugin, protocol, settings: defaults }]
    const written = await amend(call, before, { rules })
    return switched(await answered(call.pact), plugin, written)
  },
})

export const disableRules = operation({
  name: 'pacts.disable_rules',
  summary: 'Take the rules of a plugin out of the charter, for every member',
  http: 'DELETE /charter/rules/:plugin',
  access: 'admin',
  input: Type.Object({
    plugin: PluginName,
    force: Type.Optional(Type.Boolean({ description: 'Needed where the rules are in force' })),
  }),
  output: RuleSwitched,
  errors: ['RULES_UNKNOWN', 'NOT_AUTHORISED', 'CHARTER_SWITCHES_OFF', 'CHARTER_CONFLICT', 'REPLICATION_STALLED'],
  cli: { path: 'charter disable', args: ['plugin'] },
  run: async ({ plugin, force }, call) => {
    const before = await current(call.pact)
    const wanted = wantedRules(before)
    const rules = wanted.filter(rule => rule.plugin !== plugin)
    if (rules.length === wanted.length) {
      // One that is not loaded here may be in a charter all the same; a name that is neither is a mistake.
      rulesOf(call.kernel, plugin)
      return switched(before, plugin)
    }
    const written = await amend(call, before, { rules }, { force })
    return switched(await answered(call.pact), plugin, written)
  },
})

/** The rules as they will be: an amendment takes the place of one that is proposed, which must not get lost. */
function wantedRules({ charter, proposed }: CharterState) {
  return (proposed?.charter ?? charter).rules
}

/** @throws OpenPactError RULES_UNKNOWN */
function rulesOf(kernel: Kernel, plugin: string) {
  const ruled = kernel.plugins().filter(({ state, rules }) => rules && state === 'active')
  const rules = ruled.find(({ name }) => name === plugin)?.rules
  if (rules) return rules
  const near = didYouMean(
    plugin,
    ruled.map(({ name }) => name),
  )
  throw new OpenPactError('RULES_UNKNOWN', { plugin, near })
}

/** How the rules of a plugin stand now. */
function switched(now: CharterState, plugin: string, written = { entry: null as string | null, confirmed: true }) {
  const has = (rules: CharterState['charter']['rules']) => rules.some(rule => rule.plugin === plugin)
  const on = has(now.charter.rules)
  if (on !== has(wantedRules(now))) return { plugin, state: 'proposed' as const, next: NEXT.proposed, ...written }
  const state = on ? ('on' as const) : ('off' as const)
  return { plugin, state, next: NEXT[state], ...written }
}

const NEXT = {
  on: 'They are in force. A member without the plugin cannot write; `openpact status` tells it what to install.',
  proposed:
    'It is proposed: it is in force as soon as a quorum of indexers is awake and has the plugins loaded. `openpact charter` shows who is ready.',
  off: 'They are not in force: what they would refuse is accepted.',
}

/**
 * Writes an amendment.
 * @throws OpenPactError NOT_AUTHORISED on a machine of no admin, CHARTER_SWITCHES_OFF when it takes something away and is not forced
 */
async function amend(
  call: Call,
  before: CharterState,
  change: CharterChange,
  { base = (before.proposed ?? before).hash, force = false }: { base?: string; force?: boolean } = {},
) {
  // The ledger would refuse it as well, but what is signed stays there for ever, and --force helps only an admin.
  if (!(await isAdmin(call.pact)))
    throw new OpenPactError('NOT_AUTHORISED', { type: 'pact.amend', reason: 'not-authorised' })
  const what = switchedOff(before.charter, change)
  if (what && !force) throw new OpenPactError('CHARTER_SWITCHES_OFF', { what })
  const { id, confirmed } = await call.append({ type: 'pact.amend', payload: { base, change } })
  return { entry: id, confirmed }
}

/** What a change takes from the members, in words; undefined when nothing. */
function switchedOff(charter: CharterState['charter'], change: CharterChange): string | undefined {
  const gone = charter.rules.filter(rule => change.rules && !change.rules.some(r => r.plugin === rule.plugin))
  if (gone.length > 0) return `the rules of ${gone.map(rule => `"${rule.plugin}"`).join(', ')}`
  return change.types?.length === 0 ? 'writing altogether' : undefined
}

/** The charter when the indexers that are awake have answered what is proposed, or when that takes longer than 2 s. */
async function answered(pact: Pact): Promise<CharterState> {
  const end = Date.now() + 2000
  for (;;) {
    const now = await current(pact)
    if (!now.proposed || Date.now() > end) return now
    await pause(50)
  }
}

async function current(pact: Pact): Promise<CharterState> {
  const state = await pact.charter()
  if (!state)
    throw new OpenPactError('REPLICATION_STALLED', { reason: 'The first entries of the pact are not here yet.' })
  return state
}
