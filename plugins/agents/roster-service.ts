/** The roster, for the operations of this plugin. */
import { serviceRef } from '../../kernel/index.ts'
import type { Labels } from './labels.ts'
import type { Roster } from './roster.ts'

export const roster = serviceRef<Pick<Roster, 'changed'> & { labels: Pick<Labels, 'set' | 'forget'> }>(
  'agents-roster',
  1,
)
