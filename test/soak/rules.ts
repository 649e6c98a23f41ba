/** Rules of the soak's own types: what they decide depends on the order, so that a wrong order shows in verdicts and state. */
import { defineRules, isRecord, type RuleContext, type RuledEntry } from '../../kernel/rules.ts'
import { CEILING } from './items.ts'

const whole = (entry: RuledEntry, field: string) => {
  const value = isRecord(entry.payload) ? entry.payload[field] : undefined
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined
}

async function validate(entry: RuledEntry, { state }: RuleContext): Promise<string | undefined> {
  if (entry.type === 'soak.deny') return 'denied'
  if (entry.type === 'soak.fault') return undefined
  if (entry.type === 'soak.count') {
    const by = whole(entry, 'by')
    if (by === undefined) return 'payload-invalid'
    const next = ((await state.get<number>('total')) ?? 0) + by
    return next < 0 || next > CEILING ? 'out-of-bounds' : undefined
  }
  const slot = whole(entry, 'slot')
  if (slot === undefined) return 'payload-invalid'
  const holder = await state.get<string>(`slot/${slot}`)
  if (entry.type === 'soak.claim') return holder === null ? undefined : 'slot-taken'
  return holder === entry.writer ? undefined : 'not-holder'
}

export const soakRules = defineRules({
  protocol: 1,
  types: ['soak.claim', 'soak.release', 'soak.count', 'soak.deny', 'soak.fault'],
  validate,
  reduce: async (entry, { state }) => {
    if (entry.type === 'soak.fault') {
      await state.put('fault', entry.id)
      throw new Error('what this entry put must not stay')
    }
    if (entry.type === 'soak.count')
      await state.put('total', ((await state.get<number>('total')) ?? 0) + (whole(entry, 'by') ?? 0))
    if (entry.type === 'soak.claim') await state.put(`slot/${whole(entry, 'slot')}`, entry.writer)
    if (entry.type === 'soak.release') await state.delete(`slot/${whole(entry, 'slot')}`)
  },
})
