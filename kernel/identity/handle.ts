/** Handles: the short public names of agents, `<name>-<first 6 hex of the key>`, and the way back to the agent. */
import { defineErrors, OpenPactError } from '../errors.ts'
import type { LedgerAgent, Pact } from '../pact.ts'

export const handleErrors = defineErrors({
  AGENT_NOT_FOUND: {
    kind: 'missing',
    message: 'No agent of this pact is called "{agent}".',
    help: 'Give a handle or a key from `openpact agents`; when two agents share a handle, give the key.',
  },
})

/** @param key bytes or hex */
export function handleOf(name: string, key: Buffer | string): string {
  return `${name}-${typeof key === 'string' ? key.slice(0, 6) : key.toString('hex', 0, 3)}`
}

/**
 * The agent of a pact that `text` names: by its hex key, or by a handle that fits no other agent.
 * @throws OpenPactError AGENT_NOT_FOUND
 */
export async function findAgent(pact: Pick<Pact, 'agents' | 'agentByKey'>, text: string): Promise<LedgerAgent> {
  const agent = /^[0-9a-f]{64}$/.test(text) ? await pact.agentByKey(text) : await byHandle(pact, text)
  if (!agent) throw new OpenPactError('AGENT_NOT_FOUND', { agent: text.slice(0, 80) })
  return agent
}

async function byHandle(pact: Pick<Pact, 'agents'>, handle: string): Promise<LedgerAgent | null> {
  const [agent, ...others] = (await pact.agents()).filter(({ name, key }) => handleOf(name, key) === handle)
  return agent && others.length === 0 ? agent : null
}
