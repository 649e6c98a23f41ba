/** Codes about pacts and their members. Those of verdicts of the kernel carry the name of the verdict. */
import { defineErrors } from '../../kernel/index.ts'

export const pactErrors = defineErrors({
  LEAVING_STOPS_PACT: {
    kind: 'conflict',
    message: 'This machine is the only indexer of "{pact}"; without it {loss}.',
    help: 'Name other indexers first (`openpact members` shows the machines there are, `openpact indexers <writer>` names one), or leave all the same with --force.',
  },
  MEMBER_UNKNOWN: {
    kind: 'missing',
    message: 'No member of this pact is called "{agent}".',
    help: '`openpact members` lists identities, devices and handles.{near}',
  },
  MEMBER_AMBIGUOUS: {
    kind: 'invalid',
    message: '"{member}" has several devices here: {devices}.',
    help: 'Name one of them by the first 8 hex digits of its writer.',
  },
  JOIN_UNKNOWN: {
    kind: 'missing',
    message: 'No attempt to join is called "{ticket}".',
    help: '`openpact joins` lists those under way.',
  },
  IDENTITY_UNKNOWN: {
    kind: 'missing',
    message: 'This identity has no seat in the pact.',
    help: '`openpact members` lists those that have.',
  },
  ALREADY: {
    kind: 'conflict',
    message: 'It is so already.',
    help: 'Nothing needs to be done.',
  },
  LAST_ADMIN: {
    kind: 'conflict',
    message: 'This would leave the pact without an admin.',
    help: 'Make somebody else admin first: `openpact role <identity> admin`.',
  },
  INDEXERS_NEEDED: {
    kind: 'invalid',
    message: 'An indexer is among what is removed, so the new set of indexers must be named.',
    help: 'Repeat it with --indexers and the writers of the new set: one, or three and more.',
  },
  INDEXER_NOT_SEATED: {
    kind: 'invalid',
    message: 'Every indexer must be a device with a seat that is not being removed.',
    help: '`openpact members` lists the devices.',
  },
  INDEXER_NEVER_WROTE: {
    kind: 'conflict',
    message: 'None of the new indexers has written to the pact yet.',
    help: 'Let one of them write an entry first, then name the set again.',
  },
  CHARTER_CONFLICT: {
    kind: 'conflict',
    message: 'The charter changed since you read it.',
    help: 'Read the charter again and repeat the amendment.',
  },
  INDEXER_SET_SIZE: {
    kind: 'invalid',
    message: 'An indexer set has 1 or at least 3 members, not {size}.',
    help: 'Two cannot confirm while one sleeps; name one, or three and more.',
  },
  NOT_AUTHORISED: {
    kind: 'forbidden',
    message: 'This agent may not write "{type}" in this pact: {reason}',
    help: 'Ask an admin of the pact.',
  },
  TYPE_NOT_ALLOWED: {
    kind: 'forbidden',
    message: 'The charter of this pact does not allow entries of type "{type}".',
    help: '`openpact charter` lists the types that it allows; an admin can amend it.',
  },
  PLUGIN_FAULT: {
    kind: 'internal',
    message: 'The rule of plugin "{plugin}" failed on this entry.',
    help: 'Report it to the author of the plugin; the ledger is not harmed.',
  },
  CHARTER_SWITCHES_OFF: {
    kind: 'conflict',
    message: 'This switches off {what}, for every member.',
    help: 'Repeat it with --force if that is meant. An amendment of the rules names all that are to stay; `openpact charter` shows them.',
  },
  RULES_UNKNOWN: {
    kind: 'missing',
    message: 'No loaded plugin called "{plugin}" has rules.',
    help: '`openpact plugins` lists what is loaded; openpact.config names what is to be.{near}',
  },
  CHARTER_INVALID: {
    kind: 'invalid',
    message: 'The change does not make a valid charter: a plugin may stand only once among its `rules`.',
    help: '`openpact charter` shows the rules that there are; name each plugin once.',
  },
})
