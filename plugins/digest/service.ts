/** What each agent has been told, for the operation of this plugin. */
import { serviceRef } from '../../kernel/index.ts'
import type { Memory } from './memory.ts'

export const memory = serviceRef<Memory>('digest-memory', 1)
