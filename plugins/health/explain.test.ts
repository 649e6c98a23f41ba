import { describe, expect, it } from 'vitest'
import type { PactStatus } from '../../kernel/index.ts'
import { diskFinding } from './disk.ts'
import { explainPact, type PactHealth } from './explain.ts'
import { decodeHello, encodeHello } from './hello.ts'

const here = { writer: 'aaaaaaaa00', identity: 'ada', online: true, self: true }
const there = (writer: string, online: boolean, identity: string | null = null) => ({
  writer,
  identity,
  online,
  self: false,
})
const peer = (noise: string, tunnel: boolean) => ({ noise, identity: null, since: 0, tunnel })
const rules = { tasks: { protocol: 1, digest: 'a'.repeat(64) } }
const charter = { charter: { rules: [{ plugin: 'tasks', protocol: 1, settings: {} }] }, hash: '', proposed: null }
const healthy = {
  id: 'ff',
  alias: 'team',
  length: 10,
  confirmed: 10,
  contiguous: 10,
  synced: true,
  writable: true,
  indexers: [here],
  waiting: '',
  interrupted: null,
  removed: '',
  refounds: null,
  orphaned: [],
  peers: [],
  charter,
  rules,
  health: { ok: true, problems: [], repairs: 0 },
} as unknown as PactStatus

function words(status: Partial<PactStatus>, more: Partial<PactHealth> = {}): string {
  const index = { indexed: 10, length: 10, partial: false }
  return explainPact({
    status: { ...healthy, ...status },
    index,
    names: new Map(),
    admin: true,
    peers: [],
    judging: ['tasks'],
    version: '0.2.0',
    ...more,
  })
    .map(finding => `${finding.level}: ${finding.words}`)
    .join('\n')
}

describe('a pact in plain words', () => {
  it('is fine with this machine as its indexer', () => {
    expect(words({})).toBe('ok: No other member is connected. Entries are confirmed by this machine alone.')
  })

  it('names the only indexer when it is off, and what waits', () => {
    const told = words({
      indexers: [there('bbbbbbbb00', false)],
      waiting: 'Nothing is confirmed until it is back.',
      confirmed: 7,
    })
    expect(told).toContain('Entries are confirmed by bbbbbbbb alone, which is not connected to this machine.')
    expect(told).toContain('advice: Nothing is confirmed until it is back.')
    expect(told).toContain('advice: 3 of 10 entries are not confirmed yet')
  })

  it('says how many of several indexers are needed and who is awake, by the handles of their owners', () => {
    const indexers = [here, there('bbbbbbbb00', true, 'bob'), there('cccccccc00', false)]
    const names = new Map([['bob', 'bob-b0b0b0']])
    expect(words({ indexers, peers: [peer('dddddddd00', true), peer('ee', false)] }, { names })).toBe(
      'ok: 1 other machine is connected: dddddddd. Entries are confirmed by 2 of this machine, bob-b0b0b0, cccccccc; connected: this machine, bob-b0b0b0.',
    )
  })

  it('advises to switch on rules that nobody judges by, unless that is proposed', () => {
    const judging = ['tasks', 'polls']
    expect(words({}, { judging })).toContain(
      'advice: the rules of plugin "polls" are not in force in this pact, so nothing judges its entries: `openpact charter enable polls --pact team`',
    )
    // Only an admin may do that.
    expect(words({}, { judging, admin: false })).toContain('entries: an admin can put them in force with `openpact')
    const { rules } = charter.charter
    const proposed = { charter: { rules: [...rules, { plugin: 'polls', protocol: 1, settings: {} }] } }
    const waiting = { ...charter, proposed } as unknown as PactStatus['charter']
    expect(words({ charter: waiting }, { judging })).not.toContain('polls')
  })

  it('shows an interruption with its cure, and problems, as faults', () => {
    const interrupted = { reason: 'The rule of plugin "votes" is not here.', cure: 'Install it.' }
    const told = words({ interrupted, writable: false, health: { ok: false, problems: ['View differs.'], repairs: 1 } })
    expect(told).toContain('fault: The rule of plugin "votes" is not here. Install it.')
    expect(told).toContain('fault: View differs.')
    expect(told).toContain('advice: repaired itself 1 times')
    expect(told).not.toContain('admission')
  })

  it('says what is still missing on this machine, and how far the index is', () => {
    const index = { indexed: 4, length: 10, partial: true }
    const told = words({ synced: false, contiguous: 4, writable: false }, { index })
    expect(told).toContain('4 of 10 entries are on this machine')
    expect(told).toContain('4 of 10 entries (40%) can be searched yet')
    expect(told).toContain('admission waits to be confirmed')
  })

  it('says that this machine was removed, and nothing of waiting for others', () => {
    const removed = 'This machine was removed.'
    const alone = { waiting: removed, removed, writable: false, confirmed: 7, synced: false, orphaned: ['aaaaaaaa-1'] }
    expect(words(alone).split('\n')).toEqual([
      'ok: No member serves this machine.',
      'advice: This machine was removed. `openpact leave team` deletes what is here.',
      'advice: 1 entries of this machine were lost when it was removed',
    ])
  })

  it('compares versions and rules with the machines that are connected', () => {
    const known = {
      noise: 'dddddddd00',
      identity: null,
      version: '0.2.0',
      rules,
      judges: true,
      length: 10,
      confirmed: 10,
    }
    const compare = (change: object) =>
      words({}, { peers: [{ ...known, ...change }] })
        .split('\n')
        .slice(1)
        .join('\n')
    expect(compare({})).toBe('ok: dddddddd runs OpenPact 0.2.0 with the same rules')
    expect(compare({ version: '0.1.0' })).toBe(
      'advice: dddddddd runs OpenPact 0.1.0, this machine 0.2.0: update the older one',
    )
    expect(compare({ rules: {} })).toContain('advice: dddddddd has no rules of plugin "tasks"')
    expect(compare({ rules: { tasks: { protocol: 2, digest: 'b'.repeat(64) } } })).toContain(
      'advice: dddddddd has protocol 2',
    )
    expect(compare({ rules: { tasks: { protocol: 1, digest: 'b'.repeat(64) } } })).toMatch(
      /^fault: dddddddd judges by other rules "tasks" \(bbbbbbbb\) than this machine \(aaaaaaaa\)/,
    )
    expect(compare({ length: 12 })).toContain('dddddddd has 2 entries more than this machine, which is fetching them')
    expect(compare({ judges: false })).toMatch(/^advice: dddddddd cannot judge entries.*"openpact doctor" there/)
    const stopped = { interrupted: { reason: 'No rules.', cure: 'Add them.' } }
    const told = words(stopped, { peers: [{ ...known, length: 12 }] })
    expect(told).toContain('advice: dddddddd has 2 entries more than this machine, which reads only what is confirmed')
    expect(told).not.toContain('same rules')
  })
})

describe('what another machine tells', () => {
  const hello = { version: '0.2.0', rules, judges: false, length: 3, confirmed: 2, ask: true }

  it('is read back', () => {
    expect(decodeHello(encodeHello(hello))).toEqual(hello)
  })

  it('is thrown away when it is anything else, or would be more than words on a screen', () => {
    const bad = [
      { ...hello, version: 'v\u001b[2J' },
      { ...hello, version: 'a b' },
      { ...hello, length: -1 },
      { ...hello, confirmed: '1' },
      { ...hello, rules: [] },
      { ...hello, rules: { tasks: { protocol: 1, digest: '<script>' } } },
      { ...hello, rules: { 'ta sks': rules.tasks } },
      { ...hello, v: 2 },
    ]
    const messages = [...bad.map(each => JSON.stringify({ v: 1, ...each })), '', 'null', '{', `"${'x'.repeat(9000)}"`]
    for (const message of messages) expect([message, decodeHello(Buffer.from(message))]).toEqual([message, null])
  })
})

describe('the disk', () => {
  const told = (free: number) => diskFinding({ free, used: 80 * 1024 ** 2 })

  it('is fine, low or full', () => {
    expect(told(20 * 1024 ** 3)).toMatchObject({ level: 'ok', words: '20.0 GiB free; the data directory takes 80 MiB' })
    expect(told(200 * 1024 ** 2)).toMatchObject({ level: 'advice' })
    expect(told(25 * 1024 ** 2)).toMatchObject({ level: 'fault', words: expect.stringContaining('25 MiB free') })
    expect(told(1024)).toMatchObject({ level: 'fault' })
    expect(told(1024).words).toContain('nothing can be written')
  })
})
