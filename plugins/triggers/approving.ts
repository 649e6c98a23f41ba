/** `triggers.approve`: binds exactly what was shown. */
import { hash } from 'node:crypto'
import { OpenPactError, Type } from '../../kernel/index.ts'
import { type Call, operation } from '../operations/operation.ts'
import { readModel } from '../read-model/service.ts'
import type { Trigger } from './definition.ts'
import type { Approval } from './known.ts'
import { machine, ownersOnly, TriggerId } from './owners.ts'
import type { Run } from './runs.ts'
import { triggers } from './service.ts'
import { CommandShape, commandShape, TriggerShape } from './shapes.ts'
import { firesFor, trustOf } from './trust.ts'

/** Waiting matches that an approval shows. */
const SHOWN = 100

export const approveTrigger = operation({
  ...machine,
  name: 'triggers.approve',
  summary: 'Show exactly what a trigger starts and for whom, and with its hash approve that',
  description:
    'Without `hash` nothing is approved: the answer says what there is to approve. An approval holds for that hash alone; a trigger that changes has to be approved again. Without `roles` and `authors` those of the approval that is in force stay. A trigger with approve: always has every match that waits approved, once.',
  http: 'POST /triggers/:id/approve',
  input: Type.Object({
    id: TriggerId,
    hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Hash that was shown' })),
    roles: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 16,
        description: 'Also fire for holders of these roles; instead of those of an earlier approval, [] for none',
      }),
    ),
    authors: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), {
        maxItems: 256,
        description:
          'Also fire for these keys of agents or identities; instead of those of an earlier approval, [] for none',
      }),
    ),
  }),
  output: Type.Object({
    id: Type.String(),
    approved: Type.Boolean({ description: 'Whether what is shown is in force' }),
    hash: Type.String(),
    ...CommandShape.properties,
    env_set: Type.Array(Type.String(), { description: 'Variables that the file sets, with their values as JSON' }),
    fires_for: Type.Array(Type.String(), { description: 'With the roles and authors below' }),
    no_longer_for: Type.Array(Type.String(), { description: 'For whom the last approval fires and this one does not' }),
    roles: Type.Array(Type.String(), { description: 'Roles that the approval adds to those of the file' }),
    authors: Type.Array(Type.String(), { description: 'Keys that the approval adds to those of the file' }),
    once: Type.Boolean(),
    approve: TriggerShape.properties.approve,
    waiting: Type.Array(Type.Object({ entry: Type.String(), author: Type.String(), event: Type.String() }), {
      description: `Matches that wait, the oldest ${SHOWN} of them; an approval lets them go on`,
    }),
    next: Type.String(),
  }),
  errors: ['TRIGGER_UNKNOWN', 'TRIGGER_CHANGED'],
  cli: { path: 'triggers approve', args: ['id'] },
  async run({ id, hash, ...wish }, call) {
    ownersOnly(call)
    const all = call.use(triggers)
    await all.reload()
    // A program that is not what it was is looked up again, so that what is shown is what could be started.
    const trigger = all.lookAgain(id)
    const waiting = all.runs.waitingList(id, SHOWN)
    const shown = shownHash(trigger, waiting)
    if (hash !== undefined && hash !== shown) throw new OpenPactError('TRIGGER_CHANGED', { id, hash: shown })
    const matches = waiting.map(run => ({ entry: run.entry, author: authorOf(run, call), event: run.kind }))
    const before = all.known.approval(id)
    const added = addedBy(wish, before?.hash === trigger.hash ? before : null)
    if (hash !== undefined)
      all.approve(
        trigger,
        added,
        waiting.map(({ key }) => key),
      )
    const trust = trustOf(trigger, { hash: trigger.hash, ...added, at: 0 })
    const lost = {
      roles: (before?.roles ?? []).filter(role => !trust.roles.includes(role)),
      authors: (before?.authors ?? []).filter(author => !trust.authors.includes(author)),
    }
    return {
      id,
      approved: inForce(added, trigger, all.known.approval(id)),
      hash: shown,
      ...commandShape(trigger, trigger.once ? '' : null),
      env_set: Object.entries(trigger.env.set).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
      fires_for: await firesFor(trigger, trust, call),
      no_longer_for: await firesFor(trigger, { ...trust, ...lost, origins: [] }, call),
      ...added,
      once: trigger.once,
      approve: trigger.approve,
      waiting: matches,
      next: hash === undefined ? approveWords(id, shown, added) : `openpact triggers history ${id}`,
    }
  },
})

/** What an approval adds to the trust of the file. */
type Added = Pick<Approval, 'roles' | 'authors'>

/** Whoever names nobody leaves it as it is. */
function addedBy({ roles, authors }: Partial<Added>, now: Added | null): Added {
  const none = roles === undefined && authors === undefined
  return none && now ? { roles: now.roles, authors: now.authors } : { roles: roles ?? [], authors: authors ?? [] }
}

function inForce({ roles, authors }: Added, trigger: Trigger, approval: Approval | null): boolean {
  const same = (some: string[], others: string[]) =>
    some.every(each => others.includes(each)) && others.every(each => some.includes(each))
  return approval?.hash === trigger.hash && same(roles, approval.roles) && same(authors, approval.authors)
}

/** The command that approves what is shown, whatever was approved before. */
function approveWords(id: string, hash: string, { roles, authors }: Added): string {
  const quoted = (word: string) => (/^[\w.:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
  const flags = [...roles.map(role => `--roles ${quoted(role)}`), ...authors.map(author => `--authors ${author}`)]
  return ['openpact triggers approve', id, '--hash', hash, ...(flags.length > 0 ? flags : ['--nobody-else'])].join(' ')
}

/** What an approval binds: with approve: always the matches as well, so that none is approved that was not shown. */
function shownHash({ hash: own, approve }: Trigger, waiting: readonly Run[]): string {
  return approve === 'always' ? hash('sha256', JSON.stringify([own, waiting.map(({ key }) => key)]), 'hex') : own
}

function authorOf({ pact, entry }: Run, { kernel, use }: Call): string {
  const found = kernel.pacts.find(pact)
  return (found && use(readModel).entry(found, entry)?.author) ?? ''
}
