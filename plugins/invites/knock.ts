/** A newcomer's side of the door: finds members at a topic, asks, listens, asks again, until it is let in or refused for good. */

import type { StrangerChannel } from '../../kernel/index.ts'
import { doorTopic, type Network, OpenPactError } from '../../kernel/index.ts'
import {
  DOOR_PROTOCOL,
  type DoorAnswer,
  type DoorStatus,
  decodeAnswer,
  encodeKnock,
  type Knock,
  type Welcome,
} from './wire.ts'

/** Members tell of every change by themselves; asking again is for those that could not. Doubles up to a minute. */
const ASK_AGAIN_MS = 5_000
/** How long another member may still give a better answer than a refusal. */
const GRACE_MS = 1_000

const REFUSALS: Partial<Record<DoorStatus, string>> = {
  spent: 'INVITE_SPENT',
  expired: 'INVITE_EXPIRED',
  revoked: 'INVITE_REVOKED',
  refused: 'JOIN_REFUSED',
}

export interface KnockOptions {
  network: Pick<Network, 'announce' | 'door'>
  topic: Buffer
  knock: Knock
  signal: AbortSignal
  /** What was heard; `reached` when a member was reached and has not answered yet. */
  onstatus(status: 'reached' | 'pending' | 'unknown', words: string): void
}

/**
 * Resolves with the pact's keys, which are checked to belong to the door that was knocked at.
 * @throws OpenPactError INVITE_SPENT, INVITE_EXPIRED, INVITE_REVOKED, JOIN_REFUSED; the signal's reason when aborted
 */
export async function knockAt({ network, topic, knock, signal, onstatus }: KnockOptions): Promise<Welcome> {
  signal.throwIfAborted()
  const message = encodeKnock(knock)
  return new Promise<Welcome>((resolve, reject) => {
    const members = new Map<StrangerChannel, DoorStatus | null>()
    let refusal: OpenPactError | null = null
    let grace: NodeJS.Timeout | null = null

    let leave = search()
    const shut = network.door(DOOR_PROTOCOL, topic, {
      onopen(channel) {
        members.set(channel, null)
        decide()
        onstatus('reached', '')
        channel.send(message)
      },
      onmessage(bytes, channel) {
        const answer = decodeAnswer(bytes)
        if (!answer) return channel.close()
        hear(answer, channel)
      },
      onclose(channel) {
        members.delete(channel)
        decide()
      },
    })
    let pause = ASK_AGAIN_MS
    let again = setTimeout(askAgain, pause)
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true })

    function search(): () => Promise<void> {
      return network.announce(topic, { server: false, client: true })
    }

    /** Also looks for further members: those that were found first may be of no help. */
    function askAgain(): void {
      const before = leave
      leave = search()
      before().catch(() => undefined)
      for (const [channel, status] of members) if (!status || !REFUSALS[status]) channel.send(message)
      pause = Math.min(60_000, pause * 2)
      again = setTimeout(askAgain, pause)
    }

    function hear(answer: DoorAnswer, channel: StrangerChannel): void {
      if ('welcome' in answer) {
        // Keys of another pact are no answer to this invite, whoever sends them.
        if (doorTopic(answer.welcome.key).equals(topic)) end(() => resolve(answer.welcome))
        else channel.close()
        return
      }
      const { status, words } = answer
      members.set(channel, status)
      const code = REFUSALS[status]
      if (code) refusal = new OpenPactError(code, { reason: words })
      else if (status === 'pending' || status === 'unknown') onstatus(status, words)
      decide()
    }

    /** One member's refusal counts when no other that was reached has hope left. */
    function decide(): void {
      if (grace) clearTimeout(grace)
      grace = null
      const hope = [...members.values()].some(status => !status || !REFUSALS[status])
      if (refusal && !hope) grace = setTimeout(() => end(() => reject(refusal)), GRACE_MS)
    }

    let ended = false
    function end(settle: () => void): void {
      if (ended) return
      ended = true
      if (grace) clearTimeout(grace)
      clearTimeout(again)
      shut()
      // Leaving waits for the network and must not delay the newcomer.
      leave().catch(() => undefined)
      settle()
    }
  })
}
