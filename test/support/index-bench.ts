/** An index on its own, over simulated pacts, with tables that do everything a plugin's table may do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryType, type Kernel, type Logger, type Pact, Type } from '../../kernel/index.ts'
import { openIndex } from '../../plugins/read-model/index-file.ts'
import { Index } from '../../plugins/read-model/model.ts'
import type { TableDefinition } from '../../plugins/read-model/table.ts'
import type { SimulatedPact } from './simulated-pact.ts'

export interface Logged {
  level: string
  message: string
  fields: Record<string, unknown>
}

/** A logger that keeps what it was told. */
export function recordingLog(): Logger & { lines: Logged[] } {
  const lines: Logged[] = []
  const at =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push({ level, message, fields: fields as Record<string, unknown> })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export const noteType: EntryType = {
  name: 'note',
  v: 1,
  summary: 'for tests',
  payload: Type.Object({ text: Type.Optional(Type.String()) }),
}
export const stepType: EntryType = {
  name: 'step',
  v: 1,
  summary: 'moves a counter',
  payload: Type.Object({ counter: Type.String(), by: Type.Integer() }),
}

/** A row per counter: inserted, updated, replaced and deleted; tells when a counter comes, moves and goes. */
export const counters: TableDefinition = {
  name: 'toy_counter',
  version: 1,
  types: ['step'],
  create: `
    CREATE TABLE toy_counter (pact INTEGER NOT NULL, name TEXT NOT NULL, total INTEGER NOT NULL, last BLOB, "odd ""name" TEXT);
    CREATE UNIQUE INDEX toy_counter_name ON toy_counter (pact, name);`,
  project(record, db, { pactNo, payload, emit }) {
    const { counter, by } = payload as { counter: string; by: number }
    if (by === 13) throw new Error('thirteen')
    if (by === 0) {
      db.prepare('DELETE FROM toy_counter WHERE pact = ? AND name = ?').run(pactNo, counter)
      emit({ subject: 'counter', id: counter, kind: 'counter.gone' })
      return
    }
    const row = db.prepare('SELECT total FROM toy_counter WHERE pact = ? AND name = ?').get(pactNo, counter)
    const total = Number(row?.total ?? 0) + by
    const values = [pactNo, counter, total, record.hash, `it's "${record.id}"`] as const
    if (total % 2) db.prepare('INSERT OR REPLACE INTO toy_counter VALUES (?, ?, ?, ?, ?)').run(...values)
    else if (row)
      db.prepare('UPDATE toy_counter SET total = ?, last = NULL WHERE pact = ? AND name = ?').run(
        total,
        pactNo,
        counter,
      )
    else db.prepare('INSERT INTO toy_counter VALUES (?, ?, ?, ?, ?)').run(...values)
    emit({ subject: 'counter', id: counter, kind: row ? 'counter.moved' : 'counter.new', data: { total } })
  },
}

/** Rows with a number of their own, over two types. */
export const lines: TableDefinition = {
  name: 'toy_line',
  version: 1,
  types: ['note', 'step'],
  create: `
    CREATE TABLE toy_line (id INTEGER PRIMARY KEY, pact INTEGER NOT NULL, entry TEXT NOT NULL, text TEXT);
    CREATE INDEX toy_line_entry ON toy_line (pact, entry);`,
  project(record, db, { pactNo, payload }) {
    db.prepare('INSERT INTO toy_line (pact, entry, text) VALUES (?, ?, ?)').run(
      pactNo,
      record.id,
      JSON.stringify(payload),
    )
    if (record.position % 5 === 4)
      db.prepare('DELETE FROM toy_line WHERE pact = ? AND id = (SELECT min(id) FROM toy_line WHERE pact = ?)').run(
        pactNo,
        pactNo,
      )
  },
}

export interface Bench {
  dir: string
  log: ReturnType<typeof recordingLog>
  kernel: Kernel
  index: Index
  /** Stored payloads were judged by the entry types of now. */
  rechecked: Promise<void>
  /** Closes the index and opens it again on the same file. */
  reopen(options?: { tables?: TableDefinition[]; types?: EntryType[] }): Promise<void>
  /** What a new index makes of the same log. */
  rebuilt(pact: SimulatedPact): Promise<string>
  dispose(): Promise<void>
}

export function bench(
  pacts: SimulatedPact[],
  options: { tables?: TableDefinition[]; types?: EntryType[] } = {},
): Bench {
  const dir = mkdtempSync(join(tmpdir(), 'openpact-index-'))
  let { tables = [counters, lines], types = [noteType, stepType] } = options
  const log = recordingLog()
  const kernel = {
    dataDir: dir,
    entryType: (name: string) => owned(types).find(type => type.name === name) ?? null,
    entryTypes: () => owned(types),
    pacts: {
      find: (id: string) => pacts.find(pact => pact.id === id)?.pact ?? null,
      list: () => pacts.map(({ pact }) => pact),
      failed: new Map(),
    },
  } as unknown as Kernel
  const open = (file: string) => {
    const index = new Index(openIndex(file, log), kernel, log)
    self.rechecked = index.begin(tables.map(value => ({ plugin: 'toy', value })))
    return index
  }
  const self = {
    dir,
    log,
    kernel,
    reopen: async (changed: Parameters<Bench['reopen']>[0] = {}) => {
      await self.index.close()
      tables = changed.tables ?? tables
      types = changed.types ?? types
      self.index = open(dir)
    },
    rebuilt: async (pact: SimulatedPact) => {
      const other = mkdtempSync(join(tmpdir(), 'openpact-rebuilt-'))
      const fresh = open(other)
      try {
        await fresh.sync(pact.pact)
        return fresh.dump(pact.pact)
      } finally {
        await fresh.close()
        rmSync(other, { recursive: true })
      }
    },
    dispose: async () => {
      await self.index.close()
      rmSync(dir, { recursive: true })
    },
  } as Bench
  self.index = open(dir)
  return self
}

/** Resolves once `test` holds; looked at after every step of the index. */
export function reached(index: Index, test: (pact?: Pact) => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (!test()) return
      undo()
      resolve()
    }
    const undo = index.onSync(look)
    look()
  })
}

function owned(types: EntryType[]): (EntryType & { plugin: string })[] {
  return types.map(type => ({ ...type, plugin: 'toy' }))
}
