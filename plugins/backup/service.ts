/** What other plugins may ask about what came out of a restored archive. */
import { serviceRef } from '../../kernel/index.ts'
import type { Store } from '../store/service.ts'
import { ArchivedLogs } from './archived.ts'
import type { Refounding } from './refounding.ts'

export { keptContent } from './attached.ts'
export { CONTENT_ENTRY } from './entries.ts'

export const refounding = serviceRef<Refounding>('refounding', 1)

/** Ids of restored pacts that no member has let this machine into yet: not here, but not left either. */
export function awaitedPacts(store: Store): string[] {
  return new ArchivedLogs(store).list().flatMap(({ id, state }) => (state === 'waiting' ? [id] : []))
}
