import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { doorTopic, type Network, OpenPactError } from '../../kernel/index.ts'
import type { StrangerChannel } from '../../kernel/kernel.ts'
import './errors.ts'
import { knockAt } from './knock.ts'
import { encodeStatus, encodeWelcome, type Knock } from './wire.ts'

const hex = (byte: number) => Buffer.alloc(32, byte).toString('hex')
const agent = { key: hex(3), name: 'claude', proof: hex(4) }
const knock: Knock = {
  kind: 0,
  evidence: Buffer.alloc(1),
  identity: hex(1),
  application: { writer: hex(2), noise: hex(5), proof: hex(6), agent },
}
const keys = { key: crypto.randomBytes(32), encryptionKey: crypto.randomBytes(32) }
const topic = doorTopic(keys.key)
const welcome = encodeWelcome({ ...keys, name: 'acme' })

/** The seam to the network, driven by hand. */
class Doorway {
  announced = 0
  shut = false
  heard: string[] = []
  readonly ending = new AbortController()
  private handlers!: Parameters<Network['door']>[2]
  readonly result: Promise<unknown>

  constructor() {
    const network: Pick<Network, 'announce' | 'door'> = {
      announce: () => {
        this.announced++
        return async () => void this.announced--
      },
      door: (_protocol, _topic, handlers) => {
        this.handlers = handlers
        return () => {
          this.shut = true
        }
      },
    }
    const onstatus = (status: string, words: string) => void this.heard.push(`${status} ${words}`.trim())
    this.result = knockAt({ network, topic, knock, signal: this.ending.signal, onstatus }).catch(error => error.code)
  }

  member() {
    const member = { noise: Buffer.alloc(32), knocks: 0, closed: false, send: () => true, close: () => {} }
    member.send = () => {
      member.knocks++
      return true
    }
    member.close = () => {
      member.closed = true
      this.handlers.onclose?.(member as StrangerChannel)
    }
    this.handlers.onopen?.(member)
    return { ...member, state: member, says: (message: Buffer) => void this.handlers.onmessage(message, member) }
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('knocking', () => {
  it('asks each member that is reached, and goes in with the first welcome', async () => {
    const door = new Doorway()
    const [one, two] = [door.member(), door.member()]
    expect([one.state.knocks, two.state.knocks]).toEqual([1, 1])
    two.says(encodeStatus('pending', 'an indexer sleeps'))
    one.says(welcome)
    expect(await door.result).toEqual({ ...keys, name: 'acme' })
    expect(door.heard).toEqual(['reached', 'reached', 'pending an indexer sleeps'])
    expect(door.shut).toBe(true)
    await vi.advanceTimersByTimeAsync(120_000)
    expect([door.announced, one.state.knocks]).toEqual([0, 1])
  })

  it('takes a refusal for final when nobody else that was reached has hope left, after a moment', async () => {
    const door = new Doorway()
    const [one, two] = [door.member(), door.member()]
    one.says(encodeStatus('spent', ''))
    await vi.advanceTimersByTimeAsync(4_000)
    expect(door.shut).toBe(false)
    two.says(encodeStatus('revoked', ''))
    await vi.advanceTimersByTimeAsync(900)
    expect(door.shut).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    expect(await door.result).toBe('INVITE_REVOKED')
  })

  it('lets a welcome within that moment win', async () => {
    const door = new Doorway()
    const one = door.member()
    one.says(encodeStatus('spent', ''))
    await vi.advanceTimersByTimeAsync(500)
    const two = door.member()
    await vi.advanceTimersByTimeAsync(2_000)
    two.says(welcome)
    expect(await door.result).toMatchObject(keys)
  })

  it('does not count on members that are gone', async () => {
    const door = new Doorway()
    const [one, two] = [door.member(), door.member()]
    one.says(encodeStatus('expired', ''))
    two.state.close()
    await vi.advanceTimersByTimeAsync(1_100)
    expect(await door.result).toBe('INVITE_EXPIRED')
  })

  it('asks again and looks for others, ever more rarely, but not where it was refused', async () => {
    const door = new Doorway()
    const [pending, unknown, refused] = [door.member(), door.member(), door.member()]
    pending.says(encodeStatus('pending', ''))
    unknown.says(encodeStatus('unknown', ''))
    refused.says(encodeStatus('refused', 'banned'))
    await vi.advanceTimersByTimeAsync(5_000 + 10_000 + 20_000 + 40_000 + 60_000 + 60_000)
    expect([pending, unknown, refused].map(member => member.state.knocks)).toEqual([7, 7, 1])
    expect(door.announced).toBe(1)
    door.ending.abort(new OpenPactError('CLOSING'))
    expect(await door.result).toBe('CLOSING')
    expect(door.announced).toBe(0)
  })

  it('shuts out who answers garbage or welcomes into another pact', async () => {
    const door = new Doorway()
    const [garbage, trap] = [door.member(), door.member()]
    garbage.says(Buffer.from('welcome'))
    trap.says(encodeWelcome({ ...keys, key: crypto.randomBytes(32), name: 'trap' }))
    expect([garbage.state.closed, trap.state.closed]).toEqual([true, true])
    expect(door.shut).toBe(false)
    door.ending.abort(new OpenPactError('JOIN_CANCELLED'))
    expect(await door.result).toBe('JOIN_CANCELLED')
  })
})
