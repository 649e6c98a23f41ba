import { describe, expect, it } from 'vitest'
import { CHARTER, kernelJudges } from '../kernel/ledger/kernel-types.ts'
import config from '../openpact.config.ts'
import { entryWords } from './entry-words.ts'

const types = (config.plugins ?? []).flatMap(entry =>
  typeof entry === 'object' && 'entryTypes' in entry ? (entry.entryTypes ?? []) : [],
)
const declared = Object.fromEntries(types.flatMap(({ name, words }) => (words ? [[name, words]] : [])))
const told = (type: string, payload: unknown) => entryWords(type, payload, declared)

describe('an entry on a line', () => {
  it('is in words for every type that comes with OpenPact', () => {
    expect(types.map(({ name }) => name)).toContain('task.claim')
    // What has no words of its own is told field by field.
    for (const type of [CHARTER, ...kernelJudges.keys(), ...types.map(({ name }) => name)])
      expect(told(type, { odd: 1 }), type).not.toContain('odd: 1')
  })

  it('names what it is about', () => {
    const key = 'ab'.repeat(32)
    expect(told('pact.charter', { charter: { name: 'Ours' }, agent: { key } })).toBe('founded "Ours"')
    expect(told('pact.amend', { base: key, change: { name: 'X', types: ['a', 'b'] } })).toBe(
      'changed the charter: name: X, types: a, b',
    )
    expect(told('agent.revoke', { key })).toBe('revoked the agent abababababab')
    expect(told('task.claim', { task: 'a-1', lease_ms: 900_000 })).toBe('claimed a-1 for 15m')
    expect(told('task.release', { task: 'a-1' })).toBe('gave a-1 back')
    expect(told('task.complete', { task: 'a-1', result: { rows: 2 } })).toBe('completed a-1: rows: 2')
    expect(told('invite', { public_key: key, role: 'member', max_uses: 1, expires: 0 })).toBe(
      'invited 1 as member, expires never',
    )
  })

  it('stays one line without control characters, whatever its payload is', () => {
    expect(told('knowledge', { content: 'a\n\u001b[2Jb' })).toBe('a \\x1b[2Jb')
    expect(told('poll', { question: 'Tabs?', 'x\n': [1], of: { deep: {} } })).toBe(
      'question: Tabs?, x : 1, of: {"deep":{}}',
    )
    expect(told('knowledge', { content: 'x'.repeat(200) })).toHaveLength(100)
    for (const payload of [null, 'text', 7, [], [null], {}])
      for (const type of ['task.claim', 'toString', 'poll']) told(type, payload)
  })
})
