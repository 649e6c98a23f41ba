/** One archive of this machine, by whoever asks for it. */
import type { Kernel } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { writeArchive } from './archive.ts'
import type { Tally } from './attached.ts'
import { besides, contents } from './contents.ts'
import { type LeftOut, pluginFiles } from './plugin-files.ts'

/** What went into an archive, and what could not. */
export interface Written extends Tally {
  bytes: number
  waiting: number
  left_out: string[]
  plugin_files: number
  plugins_left_out: LeftOut[]
}

/** @throws OpenPactError PASSPHRASE_WEAK, ARCHIVE_EXISTS, ARCHIVE_UNFINISHED, ARCHIVE_UNREADABLE, BACKUP_PARTIAL, LOG_UNPROVEN, DISK_FULL */
export async function writeBackup(kernel: Kernel, store: Store, file: string, passphrase: string): Promise<Written> {
  const tally: Tally = { contents: 0, contents_missing: 0 }
  const plugins = await pluginFiles(kernel)
  const format = plugins.files.length > 0 ? 2 : 1
  const bytes = await writeArchive(file, contents(kernel, store, plugins, tally), passphrase, format)
  const { waiting, left_out } = besides(kernel, store)
  const own = { plugin_files: plugins.files.length, plugins_left_out: plugins.left_out }
  return { bytes, waiting: waiting.length, left_out, ...own, ...tally }
}
