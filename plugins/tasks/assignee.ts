/** For whom a task is: named by people, signed as a key. */
import { findAgent, isOpenPactError, type Pact, Type } from '../../kernel/index.ts'

export const Assignee = Type.String({
  minLength: 1,
  maxLength: 80,
  description: 'Handle or key of the agent, or key of the identity, that alone may claim it',
})

/**
 * The key (hex) of an assignee: names may change, keys do not.
 * @throws OpenPactError AGENT_NOT_FOUND
 */
export async function assigneeKey(pact: Pact, text: string): Promise<string> {
  try {
    return (await findAgent(pact, text)).key
  } catch (error) {
    if (isOpenPactError(error) && (await pact.members()).some(({ identity }) => identity === text)) return text
    throw error
  }
}
