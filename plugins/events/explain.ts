/** `openpact events test`: says field by field why an entry does or does not fit a match. */
import { Type } from '../../kernel/index.ts'
import { operation } from '../operations/operation.ts'
import { MatchSchema } from './match.ts'
import { type FieldVerdict, matcher } from './service.ts'

export const testMatch = operation({
  name: 'events.test',
  summary: 'Say why an entry does or does not fit a match',
  description:
    'An entry is one event; what it brought about (a task became open) are others. Each is compared with every field of the match. Nothing is sent or started.',
  http: 'POST /entries/:id/match',
  access: 'read',
  input: Type.Object({ id: Type.String({ maxLength: 80, description: 'Id of the entry' }), match: MatchSchema }),
  output: Type.Object({
    id: Type.String(),
    matches: Type.Boolean({ description: 'Whether one of its events fits' }),
    confirmed: Type.Boolean({ description: 'With until: confirmed it counts only from then on' }),
    events: Type.Array(
      Type.Object({
        kind: Type.String(),
        subject: Type.String(),
        subject_id: Type.String(),
        matches: Type.Boolean(),
        why: Type.String({ description: 'What does not fit, in words; empty when all does' }),
        fields: Type.Array(
          Type.Object({
            field: Type.String(),
            fits: Type.Boolean(),
            wanted: Type.Unknown(),
            found: Type.Unknown(),
          }),
        ),
      }),
    ),
  }),
  errors: ['ENTRY_UNKNOWN', 'MATCH_INVALID'],
  cli: { path: 'events test', args: ['id', 'match'] },
  async run({ id, match }, call) {
    const names = call.use(matcher)
    const compiled = names.compile(match)
    if (compiled.needsPeople) await names.people(call.pact)
    const occurrences = names.occurrencesOf(call.pact, id)
    const events = occurrences.map(occurrence => {
      const { kind, subject, subject_id } = occurrence.event
      const fields = compiled.explain(occurrence)
      return { kind, subject, subject_id, matches: compiled.test(occurrence), why: wordsOf(fields), fields }
    })
    return {
      id,
      matches: events.some(({ matches }) => matches),
      confirmed: occurrences.every(({ confirmed }) => confirmed),
      events,
    }
  },
})

/** `status is "ready", not "open"; priority is …` */
function wordsOf(fields: readonly FieldVerdict[]): string {
  return fields
    .filter(({ fits }) => !fits)
    .map(({ field, wanted, found }) => `${field} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
    .join('; ')
}
