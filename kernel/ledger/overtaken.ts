/**
 * A view's core grows in two ways on one machine: it is fetched from others, and what was applied here is moved into it once signatures for it
 * came. An answer that the second overtakes does not fit any more. Hypercore takes it for a fault of the sender and asks that peer for nothing
 * again, nor answers it, for as long as they are connected: a joiner never got its history while others wrote.
 */
import type Hypercore from 'hypercore'

interface Sender {
  paused: boolean
  core: { state: { length: number } }
  replicator: { queueUpdateAll(): void }
}

/** Goes on with a peer whose answer was merely overtaken. One that does not fit where it was asked for stays a fault. */
export function forgiveOvertaken(core: Hypercore): void {
  core.on(
    'verification-error',
    (error: { code?: string }, _request: unknown, data: { upgrade: { start: number } | null }, from: Sender) => {
      const overtaken = data.upgrade !== null && data.upgrade.start !== from.core.state.length
      if (error.code !== 'INVALID_OPERATION' || !overtaken) return
      from.paused = false
      from.replicator.queueUpdateAll()
    },
  )
}
