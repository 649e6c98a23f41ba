import { describe, expect, it } from 'vitest'
import type { Call, Caller } from '../operations/operation.ts'
import { authorise, ownerOnly, type Permitted, permits, unlimited } from './permits.ts'

const claim: Permitted = { name: 'tasks.claim', access: 'write' }
const list: Permitted = { name: 'tasks.list', access: 'read' }
const create: Permitted = { name: 'pacts.create', access: 'admin', scope: 'daemon' }
const pacts: Permitted = { name: 'pacts.list', access: 'read', scope: 'daemon' }
const ping: Permitted = { name: 'GET /v1/ping', access: 'open', plugin: 'http' }
const stream: Permitted = { name: 'GET /v1/events', access: 'read', plugin: 'events' }

const all: Caller = { agent: 'claude', pacts: null, operations: null }

describe('permits', () => {
  it('lets nobody but open operations in without a token', () => {
    expect(permits(null, ping)).toBe(true)
    expect(permits(null, list, 'p')).toBe(false)
    expect(() => authorise(null, list, 'p')).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
  })

  it('lets a token without limits do everything', () => {
    for (const what of [claim, list, create, ping, stream]) expect(permits(all, what, 'p')).toBe(true)
    expect(unlimited(all)).toBe(true)
  })

  it('keeps a token to its pacts', () => {
    const caller: Caller = { ...all, pacts: ['p'] }
    expect(permits(caller, claim, 'p')).toBe(true)
    expect(permits(caller, claim, 'q')).toBe(false)
    expect(permits(caller, pacts)).toBe(true)
    // A new pact, or a new token, would lead out of its pacts.
    expect(permits(caller, create)).toBe(false)
    expect(() => authorise(caller, list, 'q')).toThrow(
      expect.objectContaining({ code: 'OUT_OF_SCOPE', kind: 'forbidden' }),
    )
    expect(unlimited(caller)).toBe(false)
  })

  it('keeps a token to its operations, by name or by plugin', () => {
    expect(permits({ ...all, operations: ['tasks.claim'] }, claim, 'p')).toBe(true)
    expect(permits({ ...all, operations: ['tasks.claim'] }, list, 'p')).toBe(false)
    expect(permits({ ...all, operations: ['tasks.*'] }, list, 'p')).toBe(true)
    expect(permits({ ...all, operations: ['task.*'] }, list, 'p')).toBe(false)
    expect(permits({ ...all, operations: ['*'] }, list, 'p')).toBe(false)
    expect(permits({ ...all, operations: ['GET /v1/events'] }, stream)).toBe(true)
    expect(permits({ ...all, operations: ['events.*'] }, stream)).toBe(true)
    expect(permits({ ...all, operations: [] }, list, 'p')).toBe(false)
    expect(permits({ ...all, operations: [] }, ping)).toBe(true)
  })

  it('keeps a token to its level', () => {
    const reader: Caller = { ...all, access: 'read' }
    expect(permits(reader, list, 'p')).toBe(true)
    expect(permits(reader, claim, 'p')).toBe(false)
    expect(permits({ ...all, access: 'write' }, claim, 'p')).toBe(true)
    expect(permits({ ...all, access: 'write' }, create)).toBe(false)
  })

  it('lets what leads out of any limit to the main agent alone', () => {
    const kernel = { identity: { defaultAgent: { name: 'claude' } } } as Call['kernel']
    const may = (caller: Caller) => {
      try {
        ownerOnly({ caller, kernel }, 'make a backup')
        return true
      } catch (error) {
        expect(error).toMatchObject({ code: 'OUT_OF_SCOPE' })
        return false
      }
    }
    expect(may(all)).toBe(true)
    expect(may({ ...all, agent: 'codex' })).toBe(false)
    expect(may({ ...all, operations: ['backup.create'] })).toBe(false)
    expect(may({ ...all, access: 'write' })).toBe(false)
    expect(may({ ...all, cause: { entry: 'x-1', run: 'r', hops: 1 } })).toBe(false)
  })
})
