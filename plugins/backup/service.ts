/** What other plugins may ask about what came out of a restored archive. */
import type { Store } from '../store/service.ts'
import { ArchivedLogs } from './archived.ts'

export { keptContent } from './attached.ts'
export { CONTENT_ENTRY } from './entries.ts'

/** Ids of restored pacts that no member has let this machine into yet: not here, but not left either. */
export function awaitedPacts(store: Store): string[] {
  return new ArchivedLogs(store).list().flatMap(({ id, state }) => (state === 'waiting' ? [id] : []))
}
