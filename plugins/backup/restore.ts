/** Lays an archive out as a data directory: the same identity on a new device. Writer cores are never restored. */
import { appendFile, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { machineError, OpenPactError, recoverIdentity } from '../../kernel/index.ts'
import { LocalStore } from '../store/local.ts'
import { type ArchiveReport, readArchive } from './archive.ts'
import { ArchivedLogs } from './archived.ts'
import './errors.ts'

/** Records per transaction. */
const BATCH = 256

/**
 * Restores into an empty or missing directory; it appears whole or not at all.
 * @throws OpenPactError RESTORE_NOT_EMPTY, ARCHIVE_*, PASSPHRASE_WRONG, LOG_UNPROVEN, DISK_FULL
 */
export async function restoreArchive(file: string, passphrase: string, dataDir: string): Promise<ArchiveReport> {
  if ((await readdir(dataDir).catch(() => [])).length > 0)
    throw new OpenPactError('RESTORE_NOT_EMPTY', { dir: dataDir })
  const draft = `${dataDir}.restoring`
  try {
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft, { recursive: true, mode: 0o700 })
    const report = await layOut(file, passphrase, draft)
    await mkdir(dirname(dataDir), { recursive: true, mode: 0o700 })
    await rmdir(dataDir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(draft, dataDir)
    return report
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw machineError(error) ?? error
  }
}

async function layOut(file: string, passphrase: string, folder: string): Promise<ArchiveReport> {
  let store: LocalStore | null = null
  let waiting: (() => void)[] = []
  const logs = () => {
    store ??= new LocalStore(folder)
    return new ArchivedLogs(store)
  }
  let archived: ArchivedLogs | null = null
  const flush = () => {
    const writes = waiting
    waiting = []
    store?.transaction(() => {
      for (const write of writes) write()
    })
  }
  try {
    return await readArchive(file, passphrase, {
      identity: async ({ mnemonic, default_agent: defaultAgent, agents: seeds }) => {
        await recoverIdentity(join(folder, 'identity'), mnemonic, { defaultAgent, seeds })
      },
      file: async (name, part) => {
        const target = join(folder, name.replace(/^(config|plugins)\//, ''))
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        // Also at the end: a plugin may have files that are empty.
        await appendFile(target, part ?? '', { mode: 0o600 })
      },
      pact: ({ id }) => {
        waiting = []
        archived ??= logs()
        archived.begin(id)
      },
      record: ({ id }, record, block) => {
        const kept = Buffer.from(block)
        waiting.push(() => archived?.add(id, record, kept))
        if (waiting.length >= BATCH) flush()
      },
      pactEnd: (card, end, agents) => {
        waiting.push(() => archived?.end(card, end, agents))
        flush()
      },
    })
  } finally {
    ;(store as LocalStore | null)?.close()
  }
}
