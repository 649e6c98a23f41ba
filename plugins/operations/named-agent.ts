/** Whom a name means: agents are named by people and signed as keys. One way for every operation that takes an agent. */
import {
  type AgentIdentity,
  handleOf,
  type Identity,
  type LedgerAgent,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import './errors.ts'
import { didYouMean } from './near-names.ts'

/**
 * The agent of a pact that `text` names: its key, its handle, or its name where no other has it.
 * @param options `revoked`: also those that were revoked, for what they did before; other codes than those below
 * @throws OpenPactError AGENT_NOT_FOUND naming near ones, AGENT_AMBIGUOUS naming the handles
 */
export async function agentNamed(
  pact: Pick<Pact, 'agents'>,
  text: string,
  { revoked = false, unknown = 'AGENT_NOT_FOUND', ambiguous = 'AGENT_AMBIGUOUS' } = {},
): Promise<LedgerAgent> {
  const agents = (await pact.agents()).filter(agent => revoked || !agent.revoked)
  const spellings: ((agent: LedgerAgent) => string)[] = [
    ({ key }) => key,
    ({ name, key }) => handleOf(name, key),
    ({ name }) => name,
  ]
  for (const spelt of spellings) {
    const named = agents.filter(agent => spelt(agent) === text)
    const [found] = named
    if (found && named.length === 1) return found
    const handles = named.slice(0, 5).map(({ name, key }) => handleOf(name, key))
    if (found) throw new OpenPactError(ambiguous, { agent: text, handles: handles.join(', ') })
  }
  const known = agents.flatMap(({ name, key }) => [name, handleOf(name, key)])
  throw new OpenPactError(unknown, { agent: text.slice(0, 80), near: didYouMean(text, known) })
}

/** The agent of this machine that `text` names: its name, handle or key. @throws OpenPactError AGENT_UNKNOWN naming near ones */
export function ownAgentNamed(identity: Identity, text: string): AgentIdentity {
  const agents = identity.agents()
  const found = agents.find(({ name }) => name === text) ?? agents.find(({ handle }) => handle === text)
  const own = found ?? agents.find(({ key }) => key.toString('hex') === text)
  if (own) return own
  const known = agents.flatMap(({ name, handle }) => [name, handle])
  throw new OpenPactError('AGENT_UNKNOWN', { agent: text.slice(0, 80), near: didYouMean(text, known) })
}
