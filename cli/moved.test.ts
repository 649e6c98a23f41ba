import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ShutdownMark } from '../kernel/ledger/shutdown-mark.ts'
import { acceptMoved } from './moved.ts'
import { placeOf } from './place.ts'

test('a moved pact asks whom it met, or whoever comes first; what it knew of a lost core stays', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'openpact-moved-'))
  const pact = (name: string, seats: object, mark?: string) => {
    const folder = join(dataDir, 'pacts', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'seats.json'), JSON.stringify({ applied: seats }))
    if (mark !== undefined) writeFileSync(join(folder, 'met.json'), mark)
    return folder
  }
  try {
    const two = { aa: 'x', bb: 'y' }
    const alone = pact('alone', { aa: 'x' })
    const clean = pact('clean', two)
    const unclean = JSON.stringify({ boot: 'then', met: ['bb'], doubt: ['cc'], whole: 8, lost: 'dd' })
    const lost = pact('lost', two, unclean)
    const damaged = pact('damaged', two, '{')
    acceptMoved(placeOf(dataDir))
    const doubt = (folder: string) => [...new ShutdownMark(folder).doubt].sort()
    expect([alone, clean, lost, damaged].map(doubt)).toEqual([[], [''], ['bb', 'cc'], ['']])
    expect(new ShutdownMark(lost)).toMatchObject({ lost: 'dd', whole: null })
    expect(readFileSync(join(damaged, 'met.json'), 'utf8')).toBe('{')
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})
