/** What a trigger says: as it stands in triggers.yaml, and as it is after reading. */
import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { type Static, Type } from '../../kernel/index.ts'
import { type Match, MatchSchema } from '../events/service.ts'

const Word = Type.String({ minLength: 1, maxLength: 256 })
const Argument = Type.String({ maxLength: 32_768 })
const Duration = Type.String({ pattern: '^[1-9]\\d{0,5}(s|m|h|d)$', title: 'a span like 30s, 15m, 2h or 1d' })
const VariableName = Type.String({
  pattern: '^(?!OPENPACT_)[A-Za-z_][A-Za-z0-9_]{0,127}$',
  title: 'the name of a variable that does not begin with OPENPACT_',
})

/** One item of the file. Fields that are absent have the defaults of `complete`. */
export const TriggerSchema = Type.Object({
  id: Type.Optional(
    Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$', title: 'an id of a-z, 0-9, ".", "_" and "-"' }),
  ),
  pact: Type.Optional(Word),
  match: MatchSchema,
  run: Type.Union([
    Type.String({ minLength: 1, maxLength: 32_768 }),
    Type.Array(Argument, { minItems: 1, maxItems: 256 }),
  ]),
  cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  trust: Type.Optional(
    Type.Object({
      roles: Type.Optional(Type.Array(Word, { maxItems: 16 })),
      authors: Type.Optional(
        Type.Array(
          Type.String({
            pattern: '^(me|[0-9a-f]{64})$',
            title: '"me", or the key of an agent or identity: 64 hex digits; a handle could be imitated',
          }),
          { maxItems: 256 },
        ),
      ),
      origins: Type.Optional(Type.Array(Word, { maxItems: 64 })),
      max_hops: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    }),
  ),
  agent: Type.Optional(Word),
  env: Type.Optional(
    Type.Object({
      pass: Type.Optional(Type.Array(VariableName, { maxItems: 128, uniqueItems: true })),
      set: Type.Optional(Type.Record(Type.String(), Argument, { maxProperties: 128 })),
    }),
  ),
  payload: Type.Optional(Type.Enum(['file', 'stdin', 'none'])),
  until: Type.Optional(Type.Enum(['applied', 'confirmed'])),
  once: Type.Optional(Type.Boolean()),
  limits: Type.Optional(
    Type.Object({
      timeout: Type.Optional(Duration),
      concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
      rate: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,4}/(s|m|h|d)$', title: 'a rate like 6/h or 1/m' })),
      daily: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    }),
  ),
  approve: Type.Optional(Type.Enum(['never', 'first', 'always'])),
})
export type TriggerItem = Static<typeof TriggerSchema>

export interface Trust {
  roles: string[]
  /** `me`, or keys of agents or identities in hex. */
  authors: string[]
  /** Origins of entries that came through a bridge or a federation; `import` for entries of a log that was carried over. */
  origins: string[]
  /** Entries fire that stand at the end of a chain of fewer runs. */
  max_hops: number
}

export interface Trigger {
  id: string
  /** With pact and until in it. */
  match: Match
  /** As split; the first word may be a name that is looked up in PATH. */
  argv: string[]
  /** The program's file, links followed; null when it was not found. */
  executable: string | null
  /** Absolute, links followed; null for an empty private folder. */
  cwd: string | null
  /** The cwd as the file names it. */
  folder: string | null
  trust: Trust
  /** Name of an agent of this machine; null for the default one. */
  agent: string | null
  env: { pass: string[]; set: Record<string, string> }
  payload: 'file' | 'stdin' | 'none'
  once: boolean
  /** ms; `rate` runs per `window`. */
  limits: { timeout: number; concurrency: number; rate: number; window: number; daily: number }
  approve: 'never' | 'first' | 'always'
  /** Why it could not run on this machine when it was read, or null. */
  fault: string | null
  /** Of all that was approved: 64 hex. */
  hash: string
}

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
export const DAY = 86_400_000
/** A run may take so long at most; a timer could not wait for more than 24 days. ms */
export const LONGEST_TIMEOUT = 7 * DAY

/** The fields of an item that need nothing but themselves, with their defaults. */
export function complete({ trust = {}, env = {}, limits = {}, ...item }: TriggerItem) {
  const [rate, window] = (limits.rate ?? '20/h').split('/') as [string, string]
  return {
    trust: {
      roles: trust.roles ?? [],
      // Whoever names nobody trusts what stands under the user's own identity.
      authors: trust.authors ?? (trust.roles ? [] : ['me']),
      origins: trust.origins ?? [],
      max_hops: trust.max_hops ?? 3,
    },
    agent: item.agent ?? null,
    env: { pass: env.pass ?? [], set: env.set ?? {} },
    payload: item.payload ?? 'file',
    once: item.once ?? false,
    limits: {
      timeout: milliseconds(limits.timeout ?? '15m'),
      concurrency: limits.concurrency ?? 1,
      rate: Number(rate),
      window: units[window]!,
      daily: limits.daily ?? 100,
    },
    approve: item.approve ?? 'first',
  } as const
}

function milliseconds(text: string): number {
  return Number(text.slice(0, -1)) * units[text.slice(-1)]!
}

/** Binds an approval to everything that decides what is started, where, with what and for whom. */
export function hashOf(trigger: Omit<Trigger, 'hash' | 'fault'>): string {
  return hash('sha256', canonicalize(trigger)!, 'hex')
}

/** Whether two say the same, whatever their programs and folders lead to. */
export function sameWords(a: Trigger, b: Trigger): boolean {
  const [one, other] = [a, b].map(({ hash: _, fault: __, ...said }) => hashOf({ ...said, executable: null, cwd: null }))
  return one === other
}
