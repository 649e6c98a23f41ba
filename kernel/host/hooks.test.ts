import { describe, expect, test } from 'vitest'
import { OpenPactError } from '../errors.ts'
import type { HookMap, HookName } from '../hooks.ts'
import type { Draft, LogRecord } from '../ledger/entry.ts'
import type { Pact } from '../pact.ts'
import type { RuleContext, RuledEntry } from '../rules.ts'
import { Hooks } from './hooks.ts'
import { openLog } from './log.ts'

const pact = { id: 'p' } as Pact
const author = { name: 'a', key: Buffer.alloc(32) }
const context = { pact, author }
const records: LogRecord[] = []

function make() {
  const lines: { message: string; plugin?: string; hook?: string }[] = []
  const hooks = new Hooks(openLog({ streams: [{ write: line => lines.push(JSON.parse(line)) }] }))
  return { hooks, lines }
}

const later = <T>(value: T) => new Promise<T>(resolve => setImmediate(() => resolve(value)))

describe('calling', () => {
  test('waterfall: each tap may change the value, and nothing or null keeps it', async () => {
    const { hooks } = make()
    hooks.tap('a', 'entry.draft', draft => ({ ...draft, topic: `${draft.topic}a` }))
    hooks.tap('b', 'entry.draft', () => later(undefined as unknown as Draft))
    hooks.tap('b', 'entry.draft', () => null as unknown as Draft)
    hooks.tap('c', 'entry.draft', async draft => later({ ...draft, topic: `${draft.topic}c` }))
    const draft = await hooks.call('entry.draft', { type: 't', payload: 1, topic: '' }, context)
    expect(draft).toEqual({ type: 't', payload: 1, topic: 'ac' })
  })

  test('bail: the first answer ends it; null is no answer', async () => {
    const { hooks } = make()
    const asked: string[] = []
    const answer = (owner: string, value: unknown) =>
      hooks.tap(owner, 'peer.admit', async () => {
        asked.push(owner)
        return later(value as string)
      })
    answer('a', undefined)
    answer('b', null)
    answer('c', 'banned')
    answer('d', 'never asked')
    expect(await hooks.call('peer.admit', pact, { noise: Buffer.alloc(32) })).toBe('banned')
    expect(asked).toEqual(['a', 'b', 'c'])
  })

  test('series: an async function is awaited, in order, synchronous ones between', async () => {
    const { hooks } = make()
    const done: string[] = []
    hooks.tap('slow', 'entry.applied', async () => {
      await later(null)
      done.push('slow')
    })
    hooks.tap('quick', 'entry.applied', () => void done.push('quick'))
    await hooks.call('entry.applied', pact, records)
    expect(done).toEqual(['slow', 'quick'])
  })

  test('order is a bucket: pre, normal, post, each in the order of tapping', async () => {
    const { hooks } = make()
    const ran: string[] = []
    const tap = (name: string, order?: 'pre' | 'post') =>
      hooks.tap(name, 'kernel.ready', () => void ran.push(name), order && { order })
    tap('d', 'post')
    tap('b')
    tap('a', 'pre')
    tap('c')
    tap('e', 'post')
    await hooks.call('kernel.ready')
    expect(ran).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('a hook that nobody taps is unused and answers its value', async () => {
    const { hooks } = make()
    const draft = { type: 't', payload: 1 }
    expect(hooks.used('entry.draft')).toBe(false)
    expect(await hooks.call('entry.draft', draft, context)).toBe(draft)
    expect(await hooks.call('peer.admit', pact, { noise: Buffer.alloc(32) })).toBeUndefined()
  })

  test('calls that overlap do not mix', async () => {
    const { hooks } = make()
    hooks.tap('a', 'entry.draft', async draft => later({ ...draft, topic: String(draft.payload) }))
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const drafts = await Promise.all(numbers.map(n => hooks.call('entry.draft', { type: 't', payload: n }, context)))
    expect(drafts.map(d => d.topic)).toEqual(numbers.map(String))
  })
})

describe('failures', () => {
  test('a failing tap is named with its hook, cause kept; a coded error passes as it is', async () => {
    const { hooks } = make()
    const cause = new TypeError('oh no')
    const undo = hooks.tap('culprit', 'entry.draft', () => {
      throw cause
    })
    const failed = hooks.call('entry.draft', { type: 't', payload: 1 }, context)
    const details = { plugin: 'culprit', stage: 'entry.draft', reason: 'oh no' }
    await expect(failed).rejects.toMatchObject({ code: 'PLUGIN_FAILED', details, cause })
    undo()
    hooks.tap('guard', 'append.authorise', async () => {
      throw new OpenPactError('NOT_AUTHORISED', { type: 't', reason: 'scope' })
    })
    const refused = hooks.call('append.authorise', { type: 't', payload: 1 }, context)
    await expect(refused).rejects.toMatchObject({ code: 'NOT_AUTHORISED' })
  })

  test('series: the others are still called, the first failure is thrown, all are logged by name', async () => {
    const { hooks, lines } = make()
    const ran: string[] = []
    hooks.tap('first', 'pact.closed', () => Promise.reject(new Error('one')))
    hooks.tap('second', 'pact.closed', () => {
      throw new Error('two')
    })
    hooks.tap('third', 'pact.closed', () => void ran.push('third'))
    await expect(hooks.call('pact.closed', pact)).rejects.toMatchObject({ details: { plugin: 'first' } })
    expect(ran).toEqual(['third'])
    expect(lines.map(l => [l.plugin, l.hook])).toEqual([
      ['first', 'pact.closed'],
      ['second', 'pact.closed'],
    ])
    expect((await hooks.settle('pact.closed', pact)).map(f => f.owner)).toEqual(['first', 'second'])
  })

  test('observe: a failing tap is logged by name and harms nobody', async () => {
    const { hooks, lines } = make()
    const ran: string[] = []
    hooks.tap('bad', 'entry.confirmed', async () => {
      throw new Error('not my day')
    })
    hooks.tap('good', 'entry.confirmed', () => void ran.push('good'))
    await hooks.call('entry.confirmed', pact, 3)
    expect(ran).toEqual(['good'])
    expect(lines).toMatchObject([{ plugin: 'bad', hook: 'entry.confirmed', level: 'error' }])
  })

  test('unknown names are refused with the near one', async () => {
    const { hooks } = make()
    const wrong = 'entry.aplied' as HookName
    const tap = () => hooks.tap('a', wrong, (() => undefined) as HookMap[HookName])
    expect(tap).toThrow(expect.objectContaining({ code: 'HOOK_UNKNOWN' }))
    expect(tap).toThrow('There is no hook "entry.aplied". Did you mean "entry.applied"?')
    expect(() => hooks.used(wrong)).toThrow(/no hook/)
    await expect(hooks.call(wrong, pact, records)).rejects.toMatchObject({ code: 'HOOK_UNKNOWN' })
  })
})

describe('owners', () => {
  const entry = { type: 't' } as RuledEntry
  const rule = {} as RuleContext

  test('callOwner calls one owner only, synchronously where the tap is, and lets errors through', async () => {
    const { hooks } = make()
    const error = new RangeError('stack')
    hooks.tap('a', 'entry.validate', () => 'no')
    hooks.tap('b', 'entry.validate', () => {
      throw error
    })
    hooks.tap('c', 'entry.validate', async () => later('slowly'))
    hooks.tap('d', 'entry.validate', () => Promise.reject(error))
    hooks.tap('e', 'entry.validate', () => null as unknown as undefined)
    expect(hooks.callOwner('entry.validate', 'a', entry, rule)).toBe('no')
    expect(() => hooks.callOwner('entry.validate', 'b', entry, rule)).toThrow(error)
    expect(await hooks.callOwner('entry.validate', 'c', entry, rule)).toBe('slowly')
    await expect(hooks.callOwner('entry.validate', 'd', entry, rule)).rejects.toBe(error)
    expect(hooks.callOwner('entry.validate', 'e', entry, rule)).toBeUndefined()
    expect(hooks.callOwner('entry.validate', 'nobody', entry, rule)).toBeUndefined()
  })

  test('several taps of one owner are called in turn', async () => {
    const { hooks } = make()
    hooks.tap('a', 'entry.validate', async () => later(undefined))
    hooks.tap('a', 'entry.validate', () => 'second')
    hooks.tap('a', 'entry.validate', () => 'third')
    expect(await hooks.callOwner('entry.validate', 'a', entry, rule)).toBe('second')
  })

  test('undo takes exactly one tap out, even while the hook runs and after the freeze', async () => {
    const { hooks } = make()
    const ran: string[] = []
    const undo: (() => void)[] = []
    hooks.tap('a', 'kernel.ready', async () => {
      await later(null)
      undo[0]?.()
    })
    undo.push(hooks.tap('b', 'kernel.ready', () => void ran.push('b')))
    hooks.tap('b', 'kernel.ready', () => void ran.push('b again'))
    hooks.freeze()
    await hooks.call('kernel.ready')
    await hooks.call('kernel.ready')
    undo[0]?.()
    expect(ran).toEqual(['b again', 'b again'])
  })

  test('nothing can be tapped after the freeze', () => {
    const { hooks } = make()
    hooks.freeze()
    expect(() => hooks.tap('a', 'kernel.ready', () => undefined)).toThrow(
      expect.objectContaining({ code: 'HOOKS_FROZEN' }),
    )
  })

  test('time and calls are counted for each owner, waiting included', async () => {
    const { hooks } = make()
    hooks.tap('slow', 'kernel.ready', () => new Promise(resolve => setTimeout(resolve, 30)))
    hooks.tap('quick', 'kernel.ready', () => undefined)
    await hooks.call('kernel.ready')
    await hooks.call('kernel.ready')
    const [slow, quick] = hooks.list()
    expect(slow).toMatchObject({ hook: 'kernel.ready', owner: 'slow', calls: 2 })
    expect(slow!.ms).toBeGreaterThan(50)
    expect(quick!.ms).toBeLessThan(slow!.ms)
  })
})
