/** Claims of tasks for runs, through the operations of tasks: whatever those decide on every machine is decided here. */
import { isOpenPactError } from '../../kernel/index.ts'
import type { Caller } from '../operations/operation.ts'
import type { Operations } from '../operations/service.ts'

/** How a claim went. `again`: look again then, ms since 1970. */
export type Claim =
  | { outcome: 'own'; until: number | null }
  | { outcome: 'waits'; again: number; reason: string }
  | { outcome: 'over'; reason: string }

export interface Claiming {
  caller: Caller
  /** Handle of the caller's agent. */
  handle: string
  pact: string
  task: string
  /** ms that the claim should hold. */
  lease: number
  /** This run has begun to claim before: a claim of its agent is its own. */
  begun: boolean
  signal: AbortSignal
  /** Called before the claim is written. */
  onbegin(): void
}

interface TaskState {
  status: 'open' | 'claimed' | 'complete'
  claimed_by: string | null
  lease_until: string | null
  lease_expired: boolean
}

const SHORTEST_LEASE_MS = 10_000
/** Between two looks, when it is not known when something changes. */
const LOOK_MS = 30_000
const SOON_MS = 2000
const PATIENCE_MS = 60_000

export class Claims {
  readonly #operations: Operations

  constructor(operations: Operations) {
    this.#operations = operations
  }

  /** Resolves when the claim is confirmed, or cannot be. @throws OpenPactError when tasks cannot be used, the signal's reason */
  async claim(claiming: Claiming): Promise<Claim> {
    const { caller, pact, task, handle, begun, signal, onbegin } = claiming
    const lease = Math.max(claiming.lease, SHORTEST_LEASE_MS)
    const ask = (operation: string, input: object) => this.#ask(operation, { id: task, ...input }, caller, pact, signal)
    try {
      const { state } = await ask('tasks.show', {})
      if (state.status === 'complete') return { outcome: 'over', reason: 'its task is complete' }
      // Another program of the same agent may work on it: what it holds is not ours.
      const taken = state.status === 'claimed' && !state.lease_expired
      if (taken && !(begun && state.claimed_by === handle)) return waits(state)
      onbegin()
      // What an earlier daemon of this machine claimed may be another's by now, and this machine not know it yet: only what is
      // written and confirmed from now on tells.
      let step = taken ? 'tasks.renew' : 'tasks.claim'
      let input: object = { lease_ms: lease }
      for (;;) {
        signal.throwIfAborted()
        const answer = await ask(step, { ...input, until: 'confirmed', timeout: PATIENCE_MS }).catch(error => {
          if (!isOpenPactError(error) || error.code !== 'LEASE_TOO_LONG' || !('lease_ms' in input)) throw error
          // The pact allows less: as long as it allows.
          input = {}
          return null
        })
        if (!answer) continue
        const { state: held, pending } = answer
        if (!pending) return { outcome: 'own', until: held.lease_until === null ? null : Date.parse(held.lease_until) }
        // Claiming what one holds says how it went with that.
        step = 'tasks.claim'
      }
    } catch (error) {
      if (signal.aborted || !isOpenPactError(error)) throw error
      switch (error.code) {
        case 'TASK_NOT_OPEN':
        case 'NOT_CLAIMANT':
          return waits((await ask('tasks.show', {})).state)
        case 'TASK_BLOCKED':
          return { outcome: 'waits', again: Date.now() + LOOK_MS, reason: 'its task waits for others' }
        case 'CLOCK_AHEAD':
          return { outcome: 'waits', again: Date.now() + SOON_MS, reason: 'ledger time lags behind' }
        case 'TASK_COMPLETE':
          return { outcome: 'over', reason: 'its task is complete' }
        case 'NOT_ASSIGNEE':
          return { outcome: 'over', reason: 'its task is for another agent' }
        case 'TASK_UNKNOWN':
          return { outcome: 'over', reason: 'its task is not there any more' }
        default:
          throw error
      }
    }
  }

  /** Gives a task back that the run did not complete. Answers whether it did. */
  async release({ caller, pact, task, handle, signal }: Claiming, reason: string): Promise<boolean> {
    const { state } = await this.#ask('tasks.show', { id: task }, caller, pact, signal)
    if (state.status !== 'claimed' || state.claimed_by !== handle) return false
    await this.#ask('tasks.release', { id: task, reason }, caller, pact, signal)
    return true
  }

  async #ask(operation: string, input: object, caller: Caller, pact: string, signal: AbortSignal) {
    const { output, pending } = await this.#operations.invoke(operation, input, { caller, pact, signal })
    return { state: output as TaskState, pending }
  }
}

function waits({ lease_until }: TaskState): Claim {
  const now = Date.now()
  const end = lease_until === null ? now + LOOK_MS : Date.parse(lease_until)
  // Ledger time passes the end a little after the clock does.
  return {
    outcome: 'waits',
    again: Math.max(end + SOON_MS / 2, now + SOON_MS),
    reason: 'another agent works on its task',
  }
}
