/** Writing through an operation: receipts, refusals, and retries that write nothing twice. Over HTTP, on a real ledger. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { happened, held, toys } from '../../test/support/toys.ts'
import { dedupKey } from './idempotency.ts'
import { operations } from './service.ts'

let local: Local
beforeEach(async () => {
  happened.length = 0
  local = await openLocal([toys])
})
afterEach(() => local.dispose())

const post = (path: string, key: string | null, body: object) =>
  local.send({
    method: 'POST',
    path: `/v1/pacts/test${path}`,
    body,
    ...(key === null ? {} : { headers: { 'idempotency-key': key } }),
  })

async function toysInLedger(): Promise<string[]> {
  const { pact } = local.kernel
  const records = await Promise.all(Array.from({ length: pact.length }, (_, position) => pact.record(position)))
  return records.filter(record => record?.entry?.type === 'toy').map(record => record!.id)
}

describe('a retry with the same Idempotency-Key', () => {
  it('gets the same answer and writes nothing twice', async () => {
    const first = await post('/toys', 'k', { name: 'train', colour: 'red' })
    const again = await post('/toys', 'k', { colour: 'red', name: 'train' })
    expect(again.text).toBe(first.text)
    expect(again.status).toBe(201)
    expect(await toysInLedger()).toEqual([first.json.id])
    expect((await post('/toys', null, { name: 'train', colour: 'red' })).json.id).not.toBe(first.json.id)
  })

  it('gets the same entry after a restart', async () => {
    const first = await post('/toys', 'k', { name: 'train' })
    const pair = await post('/pairs', 'p', { left: 'one', right: 'two' })
    await local.restart()
    const again = await post('/toys', 'k', { name: 'train' })
    expect([again.status, again.json.id, again.json.position]).toEqual([201, first.json.id, first.json.position])
    expect((await post('/pairs', 'p', { left: 'one', right: 'two' })).json).toEqual(pair.json)
    expect(await toysInLedger()).toEqual([first.json.id, ...(pair.json.ids as string[])])
  })

  it('goes on where the first try was cut off', async () => {
    // As if the daemon had died after the first of two entries.
    const left = await post('/toys', null, { name: 'other' })
    const { defaultAgent } = local.kernel.identity
    const [first] = await local.kernel.pact.append([
      { type: 'toy', payload: { name: 'one' }, dedup: dedupKey(defaultAgent.key, 'p', 0) },
    ])
    const pair = await post('/pairs', 'p', { left: 'one', right: 'two' })
    expect((pair.json.ids as string[])[0]).toBe(first?.id)
    expect(await toysInLedger()).toEqual([left.json.id, ...(pair.json.ids as string[])])
  })

  it('is refused with another body, before and after a restart', async () => {
    await post('/toys', 'k', { name: 'train' })
    const refused = [422, 'IDEMPOTENCY_KEY_REUSED']
    const other = async (path: string, body: object) => {
      const { status, json } = await post(path, 'k', body)
      return [status, json.error]
    }
    expect(await other('/toys', { name: 'plane' })).toEqual(refused)
    expect(await other('/pairs', { left: 'train', right: 'train' })).toEqual(refused)
    await local.restart()
    expect(await other('/toys', { name: 'plane' })).toEqual(refused)
    expect(await other('/toys', { name: 'train', colour: 'red' })).toEqual(refused)
    expect(await toysInLedger()).toHaveLength(1)
  })

  it('is told to wait while the first is still running', async () => {
    const first = post('/holding', 'k', { name: 'x' })
    await expect.poll(() => happened).toEqual(['held'])
    const second = await post('/holding', 'k', { name: 'x' })
    expect([second.status, second.json.error]).toEqual([409, 'IDEMPOTENCY_KEY_RUNNING'])
    held.release()
    expect((await first).status).toBe(200)
    expect((await post('/holding', 'k', { name: 'x' })).json).toEqual({ held: true })
    expect(happened).toEqual(['held'])
  })

  it('of many at once writes one entry', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => post('/toys', 'k', { name: 'train' })))
    const made = answers.filter(({ status }) => status === 201)
    expect(made.length).toBeGreaterThanOrEqual(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(await toysInLedger()).toEqual([made[0]!.json.id])
  })

  it('needs a usable key', async () => {
    for (const key of ['x'.repeat(256), ' ']) {
      const { status, json } = await post('/toys', key, { name: 'x' })
      expect([status, json.error], key.slice(0, 5)).toEqual([400, 'IDEMPOTENCY_KEY_INVALID'])
    }
  })
})

describe('a refusal by the ledger', () => {
  it('becomes the coded error of its verdict, and stays that on a retry', async () => {
    for (const restart of [false, false, true]) {
      if (restart) await local.restart()
      const { status, json } = await post('/toys', 'k', { name: 'forbidden' })
      expect([status, json.error]).toEqual([409, 'TOY_REFUSED'])
      expect(json.message).toMatch(/^The toy "forbidden" is refused \([0-9a-f]{8}-\d+\)\.$/)
    }
    expect(await toysInLedger()).toHaveLength(1)
  })

  it('without a code of its own is ENTRY_REFUSED with the verdict', async () => {
    const { status, json } = await post('/toys', null, { name: 'odd' })
    expect([status, json.error]).toEqual([409, 'ENTRY_REFUSED'])
    expect(json.message).toContain('toy-odd')
  })
})

describe('in process', () => {
  it('runs the same way, with the same codes', async () => {
    const service = local.kernel.use(operations)
    const caller = { agent: local.kernel.identity.defaultAgent.name, pacts: null, operations: null }
    const { output, pending } = await service.invoke('toys.create', { name: 'x' }, { caller, pact: 'test' })
    expect([output, pending]).toEqual([expect.objectContaining({ id: expect.any(String) }), false])
    const failing = (name: string, input: object, pact?: string) =>
      service.invoke(name, input, { caller, pact }).catch((error: { code: string }) => error.code)
    expect(await failing('toys.creat', {}, 'test')).toBe('OPERATION_UNKNOWN')
    expect(await failing('toys.create', { name: 'x' })).toBe('INVALID_INPUT')
    expect(await failing('toys.create', { name: 'x' }, 'tset')).toBe('PACT_UNKNOWN')
    expect(await failing('toys.crash', {}, 'test')).toBe('INTERNAL')
    expect(await failing('toys.get', { id: 'a', loud: 'true' }, 'test')).toBe('INVALID_INPUT')
  })

  it('gives up with its signal', async () => {
    const service = local.kernel.use(operations)
    const caller = { agent: local.kernel.identity.defaultAgent.name, pacts: null, operations: null }
    const abort = new AbortController()
    const call = service.invoke('toys.hold', {}, { caller, pact: 'test', signal: abort.signal })
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'CALL_ABORTED' })
  })
})
