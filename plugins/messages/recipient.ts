/** Whom a name means: agents are named by people and signed as keys. */
import { handleOf, type LedgerAgent, OpenPactError, type Pact, Type } from '../../kernel/index.ts'
import { didYouMean } from '../operations/near-names.ts'
import './errors.ts'

export const Recipient = Type.String({
  minLength: 1,
  maxLength: 80,
  description: 'Name, handle or key of an agent, or key of an identity',
})

/**
 * The agent that `text` names: its key, its handle, or its name where no other has it.
 * @throws OpenPactError RECIPIENT_UNKNOWN naming near ones
 */
export async function namedAgent(pact: Pact, text: string): Promise<LedgerAgent> {
  const agents = (await pact.agents()).filter(({ revoked }) => !revoked)
  const named = (fits: (agent: LedgerAgent) => boolean) => agents.filter(fits)
  for (const found of [
    named(({ key }) => key === text),
    named(({ name, key }) => handleOf(name, key) === text),
    named(({ name }) => name === text),
  ]) {
    if (found.length === 1 && found[0]) return found[0]
  }
  const same = named(({ name }) => name === text).map(({ name, key }) => handleOf(name, key))
  if (same.length > 1)
    throw new OpenPactError('RECIPIENT_AMBIGUOUS', { agent: text, handles: same.slice(0, 5).join(', ') })
  const known = agents.flatMap(({ name, key }) => [name, handleOf(name, key)])
  throw new OpenPactError('RECIPIENT_UNKNOWN', { agent: text, near: didYouMean(text, known) })
}

/** The key (hex) of an agent, or of an identity with all its agents. @throws OpenPactError RECIPIENT_UNKNOWN */
export async function recipientKey(pact: Pact, text: string): Promise<string> {
  const isKey = /^[0-9a-f]{64}$/.test(text)
  if (isKey && (await pact.members()).some(({ identity }) => identity === text)) return text
  return (await namedAgent(pact, text)).key
}
