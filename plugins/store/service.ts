/** `local.db`: what this machine must remember and cannot derive (outbox, cursors, tokens). Backed up, never undone. */
import { serviceRef } from '../../kernel/index.ts'
import type { Database } from './sqlite.ts'

export interface Store {
  /**
   * The shared database. A plugin creates its own tables in `setup` with `migrate`, names them `<plugin>_<table>`, and touches no others.
   */
  readonly db: Database
  /**
   * Runs the statements of versions not yet run for this plugin, in one transaction.
   * @param versions SQL by version, oldest first; a published one is never edited, changes are appended
   * @throws OpenPactError STORE_NEWER, DISK_FULL
   */
  migrate(plugin: string, versions: readonly string[]): void
  /**
   * Runs `fn` in one immediate transaction; inside another transaction it joins that one. `fn` must not wait for anything.
   * @throws OpenPactError DISK_FULL, and whatever `fn` throws: then nothing of it is kept
   */
  transaction<T>(fn: () => T): T
}

export const store = serviceRef<Store>('store', 1)
