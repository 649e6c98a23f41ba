/** `triggers.approve`: binds exactly what was shown. */
import { hash } from 'node:crypto'
import { OpenPactError, Type } from '../../kernel/index.ts'
import { type Call, operation } from '../operations/operation.ts'
import { readModel } from '../read-model/service.ts'
import type { Trigger } from './definition.ts'
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
    'Without `hash` nothing is approved: the answer says what there is to approve. An approval holds for that hash alone; a trigger that changes has to be approved again. A trigger with approve: always has every match that waits approved, once.',
  http: 'POST /triggers/:id/approve',
  input: Type.Object({
    id: TriggerId,
    hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Hash that was shown' })),
    roles: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 16,
        description: 'Also fire for holders of these roles',
      }),
    ),
    authors: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), {
        maxItems: 256,
        description: 'Also fire for these keys of agents or identities',
      }),
    ),
  }),
  output: Type.Object({
    id: Type.String(),
    approved: Type.Boolean(),
    hash: Type.String(),
    ...CommandShape.properties,
    fires_for: Type.Array(Type.String()),
    once: Type.Boolean(),
    approve: TriggerShape.properties.approve,
    waiting: Type.Array(Type.Object({ entry: Type.String(), author: Type.String(), event: Type.String() }), {
      description: `Matches that wait, the oldest ${SHOWN} of them; an approval lets them go on`,
    }),
    next: Type.String(),
  }),
  errors: ['TRIGGER_UNKNOWN', 'TRIGGER_CHANGED'],
  cli: { path: 'triggers approve', args: ['id'] },
  async run({ id, hash, roles = [], authors = [] }, call) {
    ownersOnly(call)
    const all = call.use(triggers)
    const trigger = all.get(id)
    const waiting = all.runs.waitingList(id, SHOWN)
    const shown = shownHash(trigger, waiting)
    if (hash !== undefined && hash !== shown) throw new OpenPactError('TRIGGER_CHANGED', { id, hash: shown })
    const matches = waiting.map(run => ({ entry: run.entry, author: authorOf(run, call), event: run.kind }))
    if (hash !== undefined)
      all.approve(
        trigger,
        { roles, authors },
        waiting.map(({ key }) => key),
      )
    const approval = all.known.approval(id)
    const approved = approval?.hash === trigger.hash
    const trust = approved ? approval : { hash: trigger.hash, roles, authors, at: 0 }
    return {
      id,
      approved,
      hash: shown,
      ...commandShape(trigger, trigger.once ? '' : null),
      fires_for: await firesFor(trigger, trustOf(trigger, trust), call),
      once: trigger.once,
      approve: trigger.approve,
      waiting: matches,
      next: hash === undefined ? `openpact triggers approve ${id} --hash ${shown}` : `openpact triggers history ${id}`,
    }
  },
})

/** What an approval binds: with approve: always the matches as well, so that none is approved that was not shown. */
function shownHash({ hash: own, approve }: Trigger, waiting: readonly Run[]): string {
  return approve === 'always' ? hash('sha256', JSON.stringify([own, waiting.map(({ key }) => key)]), 'hex') : own
}

function authorOf({ pact, entry }: Run, { kernel, use }: Call): string {
  const found = kernel.pacts.find(pact)
  return (found && use(readModel).entry(found, entry)?.author) ?? ''
}
