/** Triggers and runs as the API shows them. */
import { type Static, type TSchema, Type } from '../../kernel/index.ts'
import { MatchSchema } from '../events/service.ts'
import type { Trigger } from './definition.ts'
import { environmentNames } from './payload.ts'
import { type Run, runStates } from './runs.ts'
import type { Triggers } from './triggers.ts'

const Time = Type.String({ description: 'ISO 8601' })
const Words = Type.Array(Type.String())
const orNull = <const T extends TSchema>(type: T) => Type.Union([type, Type.Null()])

export const RunShape = Type.Object({
  key: Type.String({ description: 'OPENPACT_RUN_KEY: the same whenever this is started again' }),
  attempt: Type.Integer({ description: 'Which attempt at it, from 1' }),
  trigger: Type.String(),
  pact: Type.String(),
  entry: Type.String({ description: 'Id of the entry that brought the event about' }),
  event: Type.String({ description: 'What happened: kind of the event' }),
  task: orNull(Type.String()),
  state: Type.Enum([...runStates]),
  reason: orNull(Type.String({ description: 'Why it waits, or how it ended' })),
  created: Time,
  started: orNull(Time),
  ms: orNull(Type.Integer({ description: 'How long it ran' })),
  code: orNull(Type.Integer({ description: 'Exit code' })),
  signal: orNull(Type.String()),
})

export const TriggerShape = Type.Object({
  id: Type.String(),
  state: Type.Enum(['ready', 'running', 'broken', 'paused', 'unapproved', 'failing', 'limited']),
  reason: orNull(Type.String({ description: 'What holds it back' })),
  match: MatchSchema,
  run: Words,
  approve: Type.Enum(['never', 'first', 'always']),
  waiting: Type.Integer({ description: 'Matches that wait to be started' }),
  running: Type.Integer(),
  stopped: Type.Integer({ description: 'Matches that trust stopped' }),
  last_stopped: orNull(Type.Object({ entry: Type.String(), reason: Type.String(), at: Time })),
  dropped: Type.Integer({ description: 'Matches that were let go because too many waited' }),
  failures: Type.Integer({ description: 'Runs in a row that failed' }),
  last_run: orNull(RunShape),
})
export type TriggerShape = Static<typeof TriggerShape>

/** What is started, and with what. */
export const CommandShape = Type.Object({
  executable: orNull(Type.String()),
  argv: Words,
  command: Type.String({ description: 'The same as JSON, so that it can be seen where a word ends' }),
  cwd: orNull(Type.String({ description: 'Null: an empty private folder' })),
  env: Type.Array(Type.String(), { description: 'Names of all variables that it gets' }),
  payload: Type.Enum(['file', 'stdin', 'none']),
})

export function triggerShape(trigger: Trigger, all: Triggers): TriggerShape {
  const { id, match, argv, approve } = trigger
  const { stopped, last_stopped, dropped, failures } = all.known.get(id)
  const gate = all.gate(trigger)
  const running = all.runs.running(id)
  const last = all.runs.last(id)
  return {
    id,
    state: gate?.state ?? (running > 0 ? 'running' : 'ready'),
    reason: gate?.reason ?? null,
    match,
    run: argv,
    approve,
    waiting: all.runs.waiting(id),
    running,
    stopped,
    last_stopped: last_stopped && { ...last_stopped, at: iso(last_stopped.at) },
    dropped,
    failures,
    last_run: last && runShape(last),
  }
}

export function runShape(run: Run): Static<typeof RunShape> {
  const { key, attempt, trigger, pact, entry, kind, task, state, reason, created, started, ended, code, signal } = run
  const ms = started !== null && ended !== null ? ended - started : null
  const times = { created: iso(created), started: started === null ? null : iso(started) }
  return { key, attempt, trigger, pact, entry, event: kind, task, state, reason, ...times, ms, code, signal }
}

export function commandShape(trigger: Trigger, task: string | null): Static<typeof CommandShape> {
  const { executable, argv, cwd, payload } = trigger
  return { executable, argv, command: JSON.stringify(argv), cwd, env: environmentNames(trigger, task), payload }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
