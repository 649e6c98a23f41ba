/** How an entry says that its author had it signed unchecked, so that every reader can see it. */
import { marked, marksOf } from '../operations/marks.ts'

/** The `ext` of a draft that is not to be looked over for secrets. */
export function allowSecret(): Buffer {
  return marked({ secret: 'allowed' })
}

/** Whether the author of an entry overrode the search for secrets. */
export function secretAllowed(ext: Buffer | null | undefined): boolean {
  return marksOf(ext).secret === 'allowed'
}
