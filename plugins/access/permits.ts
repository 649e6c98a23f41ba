/** What a caller may do: the one place where the limits of a token are judged. */
import { OpenPactError } from '../../kernel/index.ts'
import type { Access, Call, Caller } from '../operations/operation.ts'
import './errors.ts'

/** What is asked for: an operation, or a route under the name `METHOD /path`. */
export interface Permitted {
  name: string
  access: Access
  scope?: 'pact' | 'daemon'
  /** Owner, where the name does not begin with it. */
  plugin?: string
}

/** Whoever may do something in a pact may know which ones there are: the list shows no others. */
const OWN_PACTS = 'pacts.list'

const levels: Record<Access, number> = { open: 0, read: 1, write: 2, admin: 3 }

/** Whether `caller` may run `operation`, on the pact with this id when one is given. */
export function permits(caller: Caller | null, operation: Permitted, pactId?: string): boolean {
  return operation.access === 'open' || (caller !== null && refusal(caller, operation, pactId) === null)
}

/** @throws OpenPactError UNAUTHENTICATED, OUT_OF_SCOPE when `permits` is false */
export function authorise(caller: Caller | null, operation: Permitted, pactId?: string): void {
  if (operation.access === 'open') return
  if (!caller) throw new OpenPactError('UNAUTHENTICATED')
  const reason = refusal(caller, operation, pactId)
  if (reason !== null) throw new OpenPactError('OUT_OF_SCOPE', { reason })
}

/** True for a caller without any limit. */
export function unlimited({ pacts, operations, access = 'admin' }: Caller): boolean {
  return pacts === null && operations === null && access === 'admin'
}

/**
 * Lets only the user of this machine pass, by the main token: what gives away rights, keys or programs to start would lead out of any limit.
 * A run's own token never can.
 * @param what the user alone may do
 * @throws OpenPactError OUT_OF_SCOPE
 */
export function ownerOnly({ caller, kernel }: Pick<Call, 'caller' | 'kernel'>, what: string): void {
  if (unlimited(caller) && !caller.cause && caller.agent === kernel.identity.defaultAgent.name) return
  throw new OpenPactError('OUT_OF_SCOPE', { reason: `only the main agent without limits may ${what}` })
}

function refusal(caller: Caller, operation: Permitted, pactId: string | undefined): string | null {
  const { pacts, operations, access = 'admin' } = caller
  if (levels[operation.access] > levels[access]) return `it is for access "${access}", this needs "${operation.access}"`
  if (operations && operation.name !== OWN_PACTS && !operations.some(name => covers(name, operation)))
    return `${operation.name} is not among its operations`
  if (pacts && pactId !== undefined && !pacts.includes(pactId)) return 'this pact is not among its pacts'
  // What concerns the whole machine (a new pact, a new token) would lead out of the pacts a token is limited to.
  if (pacts && operation.scope === 'daemon' && operation.access !== 'read') return 'it is limited to some pacts'
  return null
}

function covers(name: string, operation: Permitted): boolean {
  if (name === operation.name) return true
  return name.endsWith('.*') && name.slice(0, -2) === (operation.plugin ?? operation.name.split('.')[0])
}
