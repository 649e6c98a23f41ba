/** The answer to a write whose confirmation was waited for in vain. */
import { Type } from '../../kernel/index.ts'
import type { Call } from './operation.ts'

/** Fields of it. Spread them into `output`. */
export const Unsettled = {
  pending: Type.Optional(Type.Literal(true, { description: 'The answer came before the confirmation it waited for' })),
  waiting: Type.Optional(
    Type.String({ description: 'With `pending`: what must happen first, when it is more than waiting a moment' }),
  ),
}

/** Marks the answer as not yet settled; answers the fields that say so, and why. */
export async function unsettled(call: Call) {
  call.pending()
  const { waiting } = await call.pact.status()
  return { pending: true as const, ...(waiting !== '' && { waiting }) }
}
