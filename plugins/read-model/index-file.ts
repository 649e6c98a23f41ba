/** Opens `index.db`. Everything in it can be derived again, so a damaged or foreign file is deleted instead of mourned. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isOpenPactError, type Logger, OpenPactError } from '../../kernel/index.ts'
import { type Database, openDatabase } from '../store/sqlite.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

const cure = 'Stop the daemon, delete index.db and start again: it is derived from the pacts and is rebuilt by itself.'

/** @throws OpenPactError DATA_DIR_UNUSABLE, DISK_FULL */
export function openIndex(dataDir: string, log: Logger): Database {
  const file = join(dataDir, 'index.db')
  const opened = tryOpen(file)
  if (typeof opened !== 'string') return opened
  log.warn('The index is deleted and rebuilt from the logs; nothing is lost, lists fill up again as it goes on.', {
    file,
    reason: opened,
  })
  for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true })
  const fresh = tryOpen(file)
  if (typeof fresh === 'string') throw new OpenPactError('DATA_DIR_UNUSABLE', { reason: `index.db: ${fresh}` })
  return fresh
}

/** The database, or why it cannot be used as it is. */
function tryOpen(file: string): Database | string {
  let db: Database | undefined
  try {
    db = openDatabase(file, { cure })
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version === SCHEMA_VERSION) return db
    const empty = version === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.n === 0
    if (empty) {
      db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
      return db
    }
    db.close()
    return `its schema has version ${version}; this OpenPact uses ${SCHEMA_VERSION}`
  } catch (error) {
    db?.close()
    if (isOpenPactError(error) && error.code === 'DATABASE_CORRUPT') return 'it is damaged'
    throw error
  }
}
