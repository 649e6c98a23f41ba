/** What the operations on triggers have in common: they concern this machine, and its user alone decides. */
import { Type } from '../../kernel/index.ts'
import { ownerOnly } from '../access/permits.ts'
import type { Call } from '../operations/operation.ts'

export const machine = { scope: 'daemon', access: 'admin' } as const
export const TriggerId = Type.String({ maxLength: 64, description: 'Id of the trigger' })

/** Only the user of this machine decides what is started. @throws OpenPactError OUT_OF_SCOPE */
export function ownersOnly(call: Pick<Call, 'caller' | 'kernel'>): void {
  ownerOnly(call, 'decide what is started')
}
