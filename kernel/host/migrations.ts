/** How a data directory of an older format is brought up to date. Steps are only ever appended; each leaves a whole directory. */

export interface Migration {
  /** The format that it leads to; it starts from the one before. */
  to: number
  /** For the progress: what is being changed. */
  summary: string
  /** May be run again on a directory that it has changed in part. */
  run(dataDir: string): Promise<void>
}

/** Format 1 is the first. `DATA_FORMAT` in data-dir.ts is where the last of them leads. */
export const migrations: readonly Migration[] = []
