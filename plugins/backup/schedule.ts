/** Backups by the clock, and how many are kept. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kernel, Logger } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { writeBackup } from './written.ts'

export interface Schedule {
  /** Folder of the archives. */
  folder: string
  /** Hours between two of them. */
  every_hours: number
  /** Archives kept; older ones are deleted. */
  keep: number
  /** File whose first line is the passphrase; readable by its owner alone. */
  passphrase_file: string
}

const NAME = /^openpact-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)Z\.backup$/
const HOUR = 3_600_000
/** ms between two looks at the clock: a timer of days would not survive a sleeping laptop. */
const LOOK = 60_000

/** Name of an archive made at a time (ms): names in their order are times in theirs. */
export function archiveName(time: number): string {
  return `openpact-${new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')}Z.backup`
}

/** Time (ms) in the name of an archive, or null. */
function timeOf(name: string): number | null {
  const stamp = NAME.exec(name)?.[1]
  return stamp ? Date.parse(`${stamp.slice(0, 10)}T${stamp.slice(11).replaceAll('-', ':')}Z`) : null
}

export class ScheduledBackup {
  private readonly schedule: Schedule
  private readonly kernel: Kernel
  private readonly store: Store
  private readonly log: Logger
  private readonly timer: NodeJS.Timeout
  private running: Promise<void> | null = null
  private failedAt = 0

  constructor(schedule: Schedule, kernel: Kernel, store: Store, log: Logger) {
    this.schedule = schedule
    this.kernel = kernel
    this.store = store
    this.log = log
    this.timer = setInterval(() => void this.look(Date.now()), LOOK).unref()
  }

  /** Makes a backup when one is due. Failures are logged, and tried again after an hour. */
  look(now: number): Promise<void> {
    this.running ??= this.due(now)
      .catch(error => {
        this.failedAt = now
        this.log.error('the scheduled backup failed', { error })
      })
      .finally(() => {
        this.running = null
      })
    return this.running
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.running
  }

  private async due(now: number): Promise<void> {
    const { folder, every_hours, keep, passphrase_file } = this.schedule
    if (this.failedAt > 0 && now - this.failedAt < HOUR) return
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const last = (await this.archives()).at(-1)
    if (last && now - (timeOf(last) ?? 0) < every_hours * HOUR) return
    const passphrase = (await readFile(passphrase_file, 'utf8')).split('\n')[0]?.trim() ?? ''
    const file = join(folder, archiveName(now))
    const { left_out, plugins_left_out, ...written } = await writeBackup(this.kernel, this.store, file, passphrase)
    this.log.info('backed up', { file, ...written })
    for (const pact of left_out) this.log.warn('a pact is not in the backup', { pact, file })
    for (const plugin of plugins_left_out) this.log.warn('a plugin is not in the backup', { ...plugin, file })
    // Only now, when there is a newer one.
    for (const old of (await this.archives()).slice(0, -keep)) await rm(join(folder, old), { force: true })
  }

  /** Oldest first. */
  private async archives(): Promise<string[]> {
    return (await readdir(this.schedule.folder)).filter(name => NAME.test(name)).sort()
  }
}
