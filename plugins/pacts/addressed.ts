/** Pacts named in the input of an operation of scope `daemon`, within the limits of the caller's token. */
import { OpenPactError, type Pact } from '../../kernel/index.ts'
import { authorise, type Permitted } from '../access/permits.ts'
import type { Call, Caller } from '../operations/operation.ts'

/**
 * A limited caller gets the same answer for a foreign pact and for none: it learns of no pact beyond its own.
 * @throws OpenPactError PACT_UNKNOWN, OUT_OF_SCOPE
 */
export function addressed({ caller, kernel }: Call, { name, access }: Permitted, wanted: string): Pact {
  const pact = caller.pacts ? kernel.pacts.find(wanted) : kernel.pacts.get(wanted)
  authorise(caller, { name, access }, pact?.id ?? wanted)
  if (!pact) throw new OpenPactError('PACT_UNKNOWN', { pact: wanted, near: '' })
  return pact
}

/** Whether a caller may know of a pact at all. */
export function mayRead(caller: Caller, pact: Pact): boolean {
  return caller.pacts === null || caller.pacts.includes(pact.id)
}
