import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentIdentity, Identity } from '../../kernel/index.ts'
import { LocalStore } from '../store/local.ts'
import { migrations, Tokens } from './tokens.ts'

let dir: string
let file: string
let store: LocalStore
let clock: number
let agents: Map<string, AgentIdentity>

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openpact-access-'))
  file = join(dir, 'token')
  store = new LocalStore(dir)
  clock = 1_000_000
  agents = new Map()
  for (const [at, name] of ['claude', 'codex'].entries()) addAgent(name, at)
  store.migrate('access', migrations)
})
afterEach(() => {
  store.close()
  rmSync(dir, { recursive: true })
})

function addAgent(name: string, seed: number): void {
  agents.set(name, { name, key: Buffer.alloc(32, seed), handle: `${name}-000000` })
}

function open(time = () => clock): Tokens {
  const identity = {
    defaultAgent: agents.get('claude')!,
    agents: () => [...agents.values()],
    agent: (name: string) => agents.get(name) ?? null,
  }
  return new Tokens(store, identity as Identity, file, time)
}

const main = () => readFileSync(file, 'utf8').trim()

describe('the main token', () => {
  it('is made at the first start, for its owner only, and kept', () => {
    const tokens = open()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(main()).toMatch(/^openpact_[\w-]{43}$/)
    expect(tokens.identify(main())).toEqual({ agent: 'claude', pacts: null, operations: null, access: 'admin' })
    const first = main()
    open()
    expect(main()).toBe(first)
  })

  it('is narrowed when others could read it', () => {
    open()
    chmodSync(file, 0o644)
    open()
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each(['', 'short', `${'x'.repeat(40)}\n${'y'.repeat(40)}`])('is refused when the file holds %j', content => {
    writeFileSync(file, content)
    expect(open).toThrow(
      expect.objectContaining({ code: 'TOKEN_FILE_UNUSABLE', help: expect.stringContaining('Delete') }),
    )
  })

  it('is not read through a link', () => {
    symlinkSync('/etc/passwd', file)
    expect(open).toThrow(expect.objectContaining({ code: 'TOKEN_FILE_UNUSABLE' }))
  })

  it('is replaced by rotation, and the old one stops at once', async () => {
    const tokens = open()
    const old = main()
    const fresh = await tokens.rotate()
    expect(main()).toBe(fresh)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(tokens.identify(old)).toBeNull()
    expect(tokens.identify(fresh)?.agent).toBe('claude')
    expect(tokens.list().filter(({ main }) => main)).toHaveLength(1)
  })

  it('cannot be revoked', async () => {
    const tokens = open()
    const { id } = tokens.list()[0]!
    await expect(tokens.revoke(id)).rejects.toMatchObject({ code: 'TOKEN_IS_MAIN' })
  })
})

describe('further tokens', () => {
  it('survive a restart as hashes only', async () => {
    const limits = { pacts: ['a'], operations: ['tasks.*'], access: 'write' as const }
    const { token, info } = await open().issue({ agent: 'codex', ...limits })
    const tokens = open()
    expect(tokens.identify(token)).toEqual({ agent: 'codex', ...limits })
    expect(tokens.list().find(({ id }) => id === info.id)).toEqual(info)
    store.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    expect(readFileSync(join(dir, 'local.db')).includes(token)).toBe(false)
  })

  it('are one caller each, always the same', async () => {
    const tokens = open()
    const { token } = await tokens.issue({ agent: 'codex' })
    expect(tokens.identify(token)).toBe(tokens.identify(token))
    expect(tokens.identify(token)).not.toBe(tokens.identify(main()))
  })

  it('end with their lifetime', async () => {
    const tokens = open()
    const { token, info } = await tokens.issue({ agent: 'codex', lifetime: 5000 })
    clock = info.expires! - 1
    expect(tokens.identify(token)).not.toBeNull()
    clock++
    expect(tokens.identify(token)).toBeNull()
    expect(tokens.list()).toHaveLength(1)
    expect(open().identify(token)).toBeNull()
  })

  it('are revoked at once and for good', async () => {
    const tokens = open()
    const { token, info } = await tokens.issue({ agent: 'codex' })
    expect(await tokens.revoke(info.id)).toBe(true)
    expect(tokens.identify(token)).toBeNull()
    expect(await tokens.revoke(info.id)).toBe(false)
    expect(open().identify(token)).toBeNull()
  })

  it('do not pass on to a later agent of the same name', async () => {
    const tokens = open()
    const { token } = await tokens.issue({ agent: 'codex' })
    agents.delete('codex')
    expect(tokens.identify(token)).toBeNull()
    addAgent('codex', 77)
    expect(tokens.identify(token)).toBeNull()
  })

  it('are only made for agents of this machine', async () => {
    await expect(open().issue({ agent: 'codec' })).rejects.toMatchObject({
      code: 'AGENT_UNKNOWN',
      help: expect.stringContaining('"codex"'),
    })
  })
})

it('a token of a run says what caused it, and ends with the daemon', async () => {
  const tokens = open()
  const cause = { entry: '0badcafe-7', hops: 2, run: 'a'.repeat(32) }
  const { token, info } = await tokens.issue({ agent: 'codex', pacts: ['p'], access: 'write', lifetime: 1000, cause })
  expect(tokens.identify(token)).toEqual({ agent: 'codex', pacts: ['p'], operations: null, access: 'write', cause })
  expect(open().identify(token)).toBe(null)
  expect(await tokens.revoke(info.id)).toBe(true)
  expect(tokens.identify(token)).toBe(null)
})

describe('who goes on answering is told when a token ends', () => {
  const issued = async (tokens: Tokens, lifetime?: number) => {
    const { token, info } = await tokens.issue({ agent: 'codex', ...(lifetime !== undefined && { lifetime }) })
    return { caller: tokens.identify(token)!, info }
  }

  it('once, when it is revoked, and nobody else', async () => {
    const tokens = open()
    const [{ caller, info }, other] = [await issued(tokens), await issued(tokens)]
    const [told, undone, others] = [vi.fn(), vi.fn(), vi.fn()]
    tokens.onEnd(caller, told)
    tokens.onEnd(caller, undone)()
    tokens.onEnd(other.caller, others)
    await tokens.revoke(info.id)
    await tokens.revoke(info.id)
    expect([told, undone, others].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0])
  })

  it('when it is rotated', async () => {
    const tokens = open()
    const told = vi.fn()
    tokens.onEnd(tokens.identify(main())!, told)
    await tokens.rotate()
    expect(told).toHaveBeenCalledTimes(1)
  })

  it('at once, when it ended before', async () => {
    const tokens = open()
    const { caller, info } = await issued(tokens)
    await tokens.revoke(info.id)
    const told = vi.fn()
    tokens.onEnd(caller, told)
    expect(told).toHaveBeenCalledTimes(1)
  })

  it.each([5000, 60 * 24 * 3_600_000])('when its lifetime of %i ms is over, however long', async lifetime => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    try {
      const tokens = open(Date.now)
      const { caller } = await issued(tokens, lifetime)
      const [told, undone] = [vi.fn(), vi.fn()]
      tokens.onEnd(caller, told)
      tokens.onEnd((await issued(tokens, lifetime)).caller, undone)()
      expect(vi.getTimerCount()).toBe(1)
      vi.advanceTimersByTime(lifetime - 1)
      expect(told).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(told).toHaveBeenCalledTimes(1)
      expect([undone.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0])
    } finally {
      vi.useRealTimers()
    }
  })
})
