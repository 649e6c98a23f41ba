/** Opens `index.db`. Everything in it can be derived again, so a damaged or foreign file is deleted instead of mourned. */
import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isOpenPactError, type Logger, OpenPactError } from '../../kernel/index.ts'
import { type Database, openDatabase } from '../store/sqlite.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

const cure = 'Start the daemon again: the index is derived from the pacts and is rebuilt by itself.'
/** Stands beside an index that turned out to be damaged while it was used. */
const MARK = '.damaged'

/** @throws OpenPactError DATA_DIR_UNUSABLE, DISK_FULL */
export function openIndex(dataDir: string, log: Logger): Database {
  const file = join(dataDir, 'index.db')
  const opened = tryOpen(file)
  if (typeof opened !== 'string') return opened
  log.warn('The index is deleted and rebuilt from the logs; nothing is lost, lists fill up again as it goes on.', {
    file,
    reason: opened,
  })
  for (const part of ['', '-wal', '-shm', MARK]) rmSync(file + part, { force: true })
  const fresh = tryOpen(file)
  if (typeof fresh === 'string') throw new OpenPactError('DATA_DIR_UNUSABLE', { reason: `index.db: ${fresh}` })
  return fresh
}

/** The database, or why it cannot be used as it is. */
function tryOpen(file: string): Database | string {
  if (existsSync(file + MARK)) return 'it was found damaged while it was used'
  if (isCutOff(file)) return 'it is cut off'
  let db: Database | undefined
  try {
    db = openDatabase(file, { cure, ondamage: () => writeFileSync(file + MARK, '') })
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

/** Whether the file is shorter than its header says. SQLite would notice only when it reads what is missing. */
function isCutOff(file: string): boolean {
  if (!existsSync(file)) return false
  const fd = openSync(file, 'r')
  try {
    const header = Buffer.alloc(32)
    if (readSync(fd, header, 0, 32, 0) < 32 || header.toString('latin1', 0, 15) !== 'SQLite format 3') return false
    const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16)
    return fstatSync(fd).size < header.readUInt32BE(28) * pageSize
  } finally {
    closeSync(fd)
  }
}
