/** Whom a name means: agents are named by people and signed as keys. */
import { type LedgerAgent, Type } from '../../kernel/index.ts'
import { agentNamed } from '../operations/named-agent.ts'
import type { Call } from '../operations/operation.ts'
import './errors.ts'

export const Recipient = Type.String({
  minLength: 1,
  maxLength: 80,
  description: 'Name, handle or key of an agent ("me" is the one that asks), or key of an identity',
})

/** The agent that `text` names. @throws OpenPactError RECIPIENT_UNKNOWN naming near ones, RECIPIENT_AMBIGUOUS */
export function namedAgent(call: Call, text: string): Promise<LedgerAgent> {
  return agentNamed(call, text, { unknown: 'RECIPIENT_UNKNOWN', ambiguous: 'RECIPIENT_AMBIGUOUS' })
}

/** The key (hex) of an agent, or of an identity with all its agents. @throws OpenPactError RECIPIENT_UNKNOWN */
export async function recipientKey(call: Call, text: string): Promise<string> {
  const isKey = /^[0-9a-f]{64}$/.test(text)
  if (isKey && (await call.pact.members()).some(({ identity }) => identity === text)) return text
  return (await namedAgent(call, text)).key
}
