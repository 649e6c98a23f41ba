/** Whom a name means: agents are named by people and signed as keys. One way for every operation that takes an agent. */
import {
  type AgentIdentity,
  handleOf,
  type Identity,
  type Kernel,
  type LedgerAgent,
  OpenPactError,
  type Pact,
} from '../../kernel/index.ts'
import './errors.ts'
import { didYouMean } from './near-names.ts'
import type { Call } from './operation.ts'

/** The agent that asks, wherever an agent can be named; so no agent is given this name. */
export const ME = 'me'

/** Who asks, and where. */
export interface Asking {
  readonly pact: Pick<Pact, 'agents'>
  readonly caller: Pick<Call['caller'], 'agent'>
  readonly kernel: { readonly identity: Pick<Kernel['identity'], 'agent'> }
}

/** What was typed, with the caller's key for `me`: names are not unique in a pact. */
export function meant({ caller, kernel }: Omit<Asking, 'pact'>, text: string): string {
  return (text === ME && kernel.identity.agent(caller.agent)?.key.toString('hex')) || text
}

/**
 * The agent of a pact that `text` names: its key, its handle, its name where no other has it, or `me`.
 * @param options `revoked`: also those that were revoked, for what they did before; other codes than those below
 * @throws OpenPactError AGENT_NOT_FOUND naming near ones, AGENT_AMBIGUOUS naming the handles
 */
export async function agentNamed(
  call: Asking,
  text: string,
  { revoked = false, unknown = 'AGENT_NOT_FOUND', ambiguous = 'AGENT_AMBIGUOUS' } = {},
): Promise<LedgerAgent> {
  const wanted = meant(call, text)
  const agents = (await call.pact.agents()).filter(agent => revoked || !agent.revoked)
  const spellings: ((agent: LedgerAgent) => string)[] = [
    ({ key }) => key,
    ({ name, key }) => handleOf(name, key),
    ({ name }) => name,
  ]
  for (const spelt of spellings) {
    const named = agents.filter(agent => spelt(agent) === wanted)
    const [found] = named
    if (found && named.length === 1) return found
    const handles = named
      .slice(0, 5)
      .map(({ name, key, revoked: gone }) => `${handleOf(name, key)}${gone ? ' (revoked)' : ''}`)
    if (named.length > 5) handles.push(`and ${named.length - 5} more`)
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
