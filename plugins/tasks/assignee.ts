/** For whom a task is: named by people, signed as a key. */
import { Type } from '../../kernel/index.ts'
import { agentNamed } from '../operations/named-agent.ts'
import type { Call } from '../operations/operation.ts'

export const Assignee = Type.String({
  minLength: 1,
  maxLength: 80,
  description:
    'Name, handle or key of the agent ("me" is the one that asks), or key of the identity, that alone may claim it',
})

/**
 * The key (hex) of an assignee: names may change, keys do not.
 * @param options `revoked`: also an agent that was revoked, for what it was given before
 * @throws OpenPactError AGENT_NOT_FOUND, AGENT_AMBIGUOUS
 */
export async function assigneeKey(call: Call, text: string, options?: { revoked: boolean }): Promise<string> {
  if ((await call.pact.members()).some(({ identity }) => identity === text)) return text
  return (await agentNamed(call, text, options)).key
}
