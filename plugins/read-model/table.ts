/** A table of the read model: derived from the log, undone on a reorder, rebuilt alone when its version changes. */
import { contribute, extensionPoint, type LogRecord, type Pact } from '../../kernel/index.ts'
import type { Database } from '../store/sqlite.ts'

/** A change of a subject that events are made of, e.g. task 7f2d-12: open → claimed. */
export interface SubjectChange {
  /** `task` */
  subject: string
  /** Id of the subject. */
  id: string
  /** `<subject>.<what>`, e.g. `task.claimed`; also `[a-zA-Z0-9_.]`. */
  kind: string
  data?: unknown
}

/** What `project` gets beside the record. */
export interface ProjectionContext {
  readonly pact: Pact
  /** Number of the pact in this database: the value of every table's `pact` column. */
  readonly pactNo: number
  /** Parsed payload; it fits the schema of its type where a plugin here owns the type. */
  readonly payload: unknown
  /** Ledger time (ms) is not known here: a projection may compare only what the log says. */
  emit(change: SubjectChange): void
}

export interface TableDefinition {
  /** `<plugin>_<table>`, snake case; unique. */
  name: string
  /** Raised when `create` or `project` change: the table is dropped and rebuilt from the log, alone. */
  version: number
  /**
   * `CREATE TABLE` and `CREATE INDEX` statements for exactly this table. It has a column `pact INTEGER NOT NULL`, that its indexes
   * begin with, and a rowid. Undo triggers are added by the read model.
   */
  create: string
  /** Entry types that `project` is called for. */
  types: readonly string[]
  /**
   * Plain SQL over its own table, called in log order for accepted, readable entries, inside the index's transaction. It must depend
   * on nothing but the records. A throw marks the entry `unreadable`, takes back what this call did and leaves other tables alone.
   */
  project(record: LogRecord, db: Database, context: ProjectionContext): void
}

export const tablePoint = extensionPoint<TableDefinition>('read-model.table', t => t.name)

export function table(definition: TableDefinition) {
  return contribute(tablePoint, definition)
}
