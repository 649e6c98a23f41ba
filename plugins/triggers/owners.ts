/** What the operations on triggers have in common: they concern this machine, and its user alone decides. */
import { OpenPactError, Type } from '../../kernel/index.ts'
import { unlimited } from '../access/permits.ts'
import type { Call } from '../operations/operation.ts'

export const machine = { scope: 'daemon', access: 'admin' } as const
export const TriggerId = Type.String({ maxLength: 64, description: 'Id of the trigger' })

/** Who may decide what is started on this machine: its user, by the main token. A run's own token never can. */
export function ownersOnly({ caller, kernel }: Pick<Call, 'caller' | 'kernel'>): void {
  if (unlimited(caller) && !caller.cause && caller.agent === kernel.identity.defaultAgent.name) return
  throw new OpenPactError('OUT_OF_SCOPE', { reason: 'only the main agent without limits may decide what is started' })
}
