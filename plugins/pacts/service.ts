/** Which of the pacts of this machine is meant when none is named: kept in `local.db`. */
import { isOpenPactError, type Pact, type Pacts, serviceRef } from '../../kernel/index.ts'

export interface ActivePact {
  /** The chosen pact, the only one there is, or null; never another one because the chosen one cannot be opened. */
  get(): Pact | null
  /** Id of the same, also while it is on this machine and not open. */
  id(): string | null
  choose(pact: Pact): void
  /** A pact was created or joined: it is meant from now on when there was none before. */
  arrived(pact: Pact): void
}

export const activePact = serviceRef<ActivePact>('active-pact', 1)

/** Whether a pact is on this machine, also while it is being opened again or cannot be opened. */
export function isHere(pacts: Pacts, id: string): boolean {
  try {
    return pacts.get(id) !== null
  } catch (error) {
    return isOpenPactError(error) && error.code !== 'PACT_UNKNOWN'
  }
}
