/** What every session works with, and which pact is meant. */
import { type Kernel, OpenPactError, type Pact } from '../../kernel/index.ts'
import type { Access } from '../access/service.ts'
import type { Events } from '../events/service.ts'
import type { Caller } from '../operations/operation.ts'
import type { Operations } from '../operations/service.ts'
import type { ActivePact } from '../pacts/service.ts'
import type { Session } from './session.ts'

export interface Parts {
  kernel: Kernel
  operations: Operations
  events: Events
  access: Access
  active: ActivePact
  /** Operations whose tools are not listed. */
  unlisted: ReadonlySet<string>
}

/** Alias or id of the pact for a call that names none. @throws OpenPactError MCP_NO_PACT */
export function pactMeant({ caller, pact }: Session, { active, kernel }: Parts): string {
  if (pact !== undefined) return pact
  const chosen = active.get()
  if (chosen && mayKnow(caller, chosen)) return chosen.id
  const known = kernel.pacts.list().filter(each => mayKnow(caller, each))
  if (known.length === 1) return known[0]!.id
  const pacts = known.map(({ alias }) => alias).join(', ') || 'none yet'
  throw new OpenPactError('MCP_NO_PACT', { pacts })
}

/** What a pact is called in answers: its alias, or what the caller called it. */
export function aliasOf(kernel: Kernel, wanted: string): string {
  return kernel.pacts.find(wanted)?.alias ?? wanted.slice(0, 64)
}

function mayKnow({ pacts }: Caller, { id }: Pact): boolean {
  return pacts === null || pacts.includes(id)
}
