import { describe, expect, it } from 'vitest'
import { explainPact, type PactStatus } from './explain-pact.ts'

const here = { writer: 'aaaaaaaa00', online: true, self: true }
const there = (writer: string, online: boolean) => ({ writer, online, self: false })
const healthy: PactStatus = {
  alias: 'team',
  length: 10,
  confirmed: 10,
  contiguous: 10,
  synced: true,
  writable: true,
  indexers: [here],
  waiting: '',
  interrupted: null,
  peers: [],
  index: { indexed: 10, length: 10, partial: false },
  proposed: null,
  health: { ok: true, problems: [], repairs: 0 },
}

function words(status: Partial<PactStatus>): string {
  return explainPact({ ...healthy, ...status })
    .map(finding => `${finding.level}: ${finding.words}`)
    .join('\n')
}

describe('a pact in plain words', () => {
  it('is fine with this machine as its indexer', () => {
    expect(words({})).toBe(
      'ok: No other member is connected. Entries are confirmed by this machine alone, which is awake.',
    )
  })

  it('names the only indexer when it is off, and what waits', () => {
    const told = words({ indexers: [there('bbbbbbbb00', false)], waiting: 'Nothing is confirmed until it is back.' })
    expect(told).toContain('Entries are confirmed by bbbbbbbb alone, which is off.')
    expect(told).toContain('advice: Nothing is confirmed until it is back.')
  })

  it('says how many of several indexers are needed and who is awake', () => {
    const indexers = [here, there('bbbbbbbb00', true), there('cccccccc00', false)]
    expect(words({ indexers, peers: [{ tunnel: true }, { tunnel: false }] })).toBe(
      'ok: 1 other machine is connected. Entries are confirmed by 2 of this machine, bbbbbbbb, cccccccc; awake: this machine, bbbbbbbb.',
    )
  })

  it('shows an interruption with its cure, and problems, as faults', () => {
    const interrupted = { reason: 'The rule of plugin "votes" is not here.', cure: 'Install it.' }
    const told = words({ interrupted, writable: false, health: { ok: false, problems: ['View differs.'], repairs: 1 } })
    expect(told).toContain('fault: The rule of plugin "votes" is not here. Install it.')
    expect(told).toContain('fault: View differs.')
    expect(told).toContain('advice: repaired itself 1 times')
    expect(told).not.toContain('admission')
  })

  it('says what is still missing on this machine', () => {
    const told = words({
      synced: false,
      contiguous: 4,
      index: { indexed: 4, length: 10, partial: true },
      writable: false,
    })
    expect(told).toContain('4 of 10 entries are on this machine')
    expect(told).toContain('4 of 10 entries can be searched yet')
    expect(told).toContain('admission waits to be confirmed')
  })
})
