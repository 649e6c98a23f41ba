/**
 * Admission of a further device of an identity that has a seat: consensus. The kernel has verified that the identity itself
 * attested this device for this pact; nothing else needs to be shown. Retired devices and banned identities never come this far.
 */
import { defineRules } from '../../kernel/rules.ts'

export const rules = defineRules({
  protocol: 1,
  defaults: {},
  types: [],
  admits: {
    device: {
      // The role is the identity's and stays what it was, whatever is answered here.
      verify: async (applicant, _evidence, context) =>
        (await context.seated(applicant.identity)) ? { role: 'member' } : { refuse: 'identity-unknown' },
    },
  },
})
