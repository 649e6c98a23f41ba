/** What one can do with triggers. None of it writes triggers.yaml: only its owner does. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenPactError, Type } from '../../kernel/index.ts'
import { inFull } from '../operations/coded.ts'
import { type Call, operation } from '../operations/operation.ts'
import { operations } from '../operations/service.ts'
import { decodeCursor, encodeCursor } from '../read-model/service.ts'
import { PageInput, pageShape } from '../read-model/wire.ts'
import { machine, ownersOnly, TriggerId } from './owners.ts'
import { logName, taskOf } from './runs.ts'
import { triggers } from './service.ts'
import { CommandShape, commandShape, RunShape, runShape, TriggerShape, triggerShape } from './shapes.ts'
import { LOG_BYTES } from './supervise.ts'

const EntryId = Type.String({ maxLength: 80, description: 'Id of an entry' })
const Words = Type.Array(Type.String())

export const listTriggers = operation({
  ...machine,
  name: 'triggers.list',
  summary: 'List the triggers of this machine and what holds them back',
  http: 'GET /triggers',
  input: Type.Object({}),
  output: Type.Object({
    entries: Type.Array(TriggerShape),
    cursor: Type.Null(),
    has_more: Type.Literal(false),
    file: Type.String({ description: 'Where they are set up; nothing but an editor changes it' }),
    error: Type.Union([Type.String(), Type.Null()], { description: 'Why the file as it is now is not in force' }),
  }),
  cli: { path: 'triggers list', columns: ['id', 'state', 'waiting', 'running', 'stopped', 'failures', 'reason'] },
  run(_input, call) {
    const all = call.use(triggers)
    const entries = all.list().map(trigger => triggerShape(trigger, all))
    const error = all.fileError
    return {
      entries,
      cursor: null,
      has_more: false as const,
      file: all.file,
      error: error && inFull(error),
    }
  },
})

export const testTriggers = operation({
  name: 'triggers.test',
  summary: 'Say for an entry which triggers match, whether they would start, and what; starts nothing',
  http: 'GET /entries/:id/triggers',
  access: 'admin',
  etag: false,
  input: Type.Object({ id: EntryId, trigger: Type.Optional(TriggerId) }),
  output: Type.Object({
    entries: Type.Array(
      Type.Object({
        trigger: Type.String(),
        event: Type.String({ description: 'Kind of the event that the entry brought about' }),
        matches: Type.Boolean(),
        trusted: Type.Boolean(),
        starts: Type.Boolean({ description: 'Whether such an event would start a run now' }),
        reason: Type.String({ description: 'Why not; empty when it starts' }),
        claim: Type.Union([Type.String(), Type.Null()], { description: 'With once: how its task stands' }),
        ...CommandShape.properties,
        fields: Type.Array(
          Type.Object({ field: Type.String(), fits: Type.Boolean(), wanted: Type.Unknown(), found: Type.Unknown() }),
        ),
      }),
    ),
    cursor: Type.Null(),
    has_more: Type.Literal(false),
  }),
  errors: ['ENTRY_UNKNOWN', 'TRIGGER_UNKNOWN'],
  cli: {
    path: 'triggers test',
    args: ['id'],
    columns: ['trigger', 'event', 'matches', 'trusted', 'starts', 'command', 'env', 'claim', 'reason'],
  },
  async run({ id, trigger: only }, call) {
    const all = call.use(triggers)
    const entries = []
    for (const trigger of only === undefined ? all.list() : [all.get(only)]) {
      for (const { occurrence, matches, fields, stop } of await all.test(trigger, call.pact, id)) {
        const task = taskOf(occurrence)
        const gate = all.gate(trigger)
        const mismatch = fields.filter(({ fits }) => !fits).map(({ field }) => field)
        const reason = matches ? (stop ?? gate?.reason ?? '') : `does not match: ${mismatch.join(', ')}`
        entries.push({
          trigger: trigger.id,
          event: occurrence.event.kind,
          matches,
          trusted: stop === null,
          starts: reason === '',
          reason,
          claim: trigger.once && task !== null ? await claimWords(call, task) : null,
          ...commandShape(trigger, task),
          fields,
        })
      }
    }
    return { entries, cursor: null, has_more: false as const }
  },
})

async function claimWords({ caller, pact, use }: Call, id: string): Promise<string> {
  const { output } = await use(operations).invoke('tasks.show', { id }, { caller, pact: pact.id })
  const { status, claimed_by, lease_until } = output as {
    status: string
    claimed_by: string | null
    lease_until: string | null
  }
  return claimed_by === null
    ? status
    : `${status} by ${claimed_by}${lease_until === null ? '' : `, until ${lease_until}`}`
}

export const runTrigger = operation({
  name: 'triggers.run',
  summary: 'Start a trigger for an entry now, whatever its limits; what it matches and whom it trusts still holds',
  http: 'POST /entries/:entry/triggers/:id/run',
  access: 'admin',
  signs: false,
  input: Type.Object({ id: TriggerId, entry: EntryId }),
  output: RunShape,
  errors: ['TRIGGER_UNKNOWN', 'TRIGGER_REFUSED', 'ENTRY_UNKNOWN'],
  cli: { path: 'triggers run', args: ['id', 'entry'], after: 'See `openpact triggers logs {trigger}`.' },
  async run({ id, entry }, call) {
    ownersOnly(call)
    const all = call.use(triggers)
    return runShape(await all.run(all.get(id), call.pact, entry))
  },
})

const Which = {
  id: Type.Optional(TriggerId),
  all: Type.Optional(Type.Boolean({ description: 'Every trigger, those of later files as well' })),
}
const Paused = Type.Object({ paused: Words, all: Type.Boolean({ description: 'Whether all are paused together' }) })

export const pauseTriggers = operation({
  ...machine,
  name: 'triggers.pause',
  summary: 'Start nothing more for a trigger, or for all; matches wait, what runs goes on',
  http: 'POST /triggers/pause',
  input: Type.Object(Which),
  output: Paused,
  errors: ['TRIGGER_UNKNOWN'],
  cli: { path: 'triggers pause', args: ['id'] },
  run: (input, call) => paused(input, call, true),
})

export const resumeTriggers = operation({
  ...machine,
  name: 'triggers.resume',
  summary: 'Go on with a trigger that was paused or whose runs failed, or with all that were paused together',
  http: 'POST /triggers/resume',
  input: Type.Object(Which),
  output: Paused,
  errors: ['TRIGGER_UNKNOWN'],
  cli: { path: 'triggers resume', args: ['id'] },
  async run(input, call) {
    ownersOnly(call)
    // What was not found when the file was read may be there now.
    await call.use(triggers).reload()
    return paused(input, call, false)
  },
})

function paused({ id, all = false }: { id?: string; all?: boolean }, call: Call, yes: boolean) {
  if ((id === undefined) !== all)
    throw new OpenPactError('INVALID_INPUT', {
      reason: 'name one trigger, or say that all are meant (`--all`, `"all": true`).',
    })
  const set = call.use(triggers)
  set.pause(id === undefined ? null : set.get(id).id, yes)
  const held = set.list().filter(trigger => set.known.get(trigger.id).paused)
  return { paused: held.map(trigger => trigger.id), all: set.known.allPaused }
}

export const readLog = operation({
  ...machine,
  name: 'triggers.logs',
  summary: 'Show what a run said: the last one of a trigger, or the one with a key; any attempt at it by its number',
  http: 'GET /triggers/:id/logs',
  etag: false,
  input: Type.Object({
    id: { ...TriggerId, description: 'Id of the trigger, or key of a run' },
    attempt: Type.Optional(Type.Integer({ minimum: 1, description: 'Which attempt at it; the last by default' })),
  }),
  output: Type.Object({
    run: RunShape,
    text: Type.String(),
    cut: Type.Boolean({ description: 'It said more than is kept' }),
  }),
  errors: ['TRIGGER_UNKNOWN', 'RUN_UNKNOWN'],
  cli: { path: 'triggers logs', args: ['id'] },
  async run({ id, attempt = null }, call) {
    const all = call.use(triggers)
    const last = all.runs.byKey(id) ?? all.runs.last(all.get(id).id)
    const run = last && all.runs.started(last.key, attempt)
    if (!run) throw new OpenPactError('RUN_UNKNOWN', { id })
    const bytes = await logBytes(join(all.logs, logName(run)))
    if (!bytes) throw new OpenPactError('RUN_UNKNOWN', { id })
    return { run: runShape(run), text: bytes.toString('utf8'), cut: bytes.length > LOG_BYTES }
  },
})

async function logBytes(file: string): Promise<Buffer | null> {
  try {
    const handle = await open(file)
    try {
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export const listRuns = operation({
  ...machine,
  name: 'triggers.history',
  summary: 'List each attempt to start something, for which entry, and how it ended, newest first',
  http: 'GET /triggers/history',
  input: Type.Object({ id: Type.Optional(TriggerId), limit: PageInput.limit, cursor: PageInput.cursor }),
  output: pageShape(RunShape),
  errors: ['CURSOR_INVALID'],
  cli: {
    path: 'triggers history',
    args: ['id'],
    columns: ['started', 'trigger', 'entry', 'state', 'code', 'ms', 'key', 'attempt', 'reason'],
  },
  run({ id, limit = 50, cursor }, call) {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor)?.[0]
    if (typeof before !== 'number' || !Number.isSafeInteger(before)) throw new OpenPactError('CURSOR_INVALID')
    const rows = call.use(triggers).runs.list(id, before, limit + 1)
    const shown = rows.slice(0, limit)
    const more = rows.length > limit
    return { entries: shown.map(runShape), cursor: more ? encodeCursor([shown.at(-1)!.no]) : null, has_more: more }
  },
})
