/** For the operations of this plugin. Triggers are set up in their file only. */
import { serviceRef } from '../../kernel/index.ts'
import type { Triggers } from './triggers.ts'

export const triggers = serviceRef<Triggers>('triggers', 1)
