import { expect, test } from 'vitest'
import { outOfSpace } from './disk.ts'

test('a full disk is seen by the code of the system or of SQLite, by the words of RocksDB, and behind other errors', () => {
  const coded = (more: object) => Object.assign(new Error('x'), more)
  const rocks = new Error(
    'IO error: No space left on device: While appending to file: /d/000049.dbtmp: No space left on device',
  )
  for (const error of [coded({ code: 'ENOSPC' }), coded({ code: 'EDQUOT' }), coded({ errcode: 13 }), rocks])
    for (const thrown of [error, new Error('outer', { cause: error })]) expect(outOfSpace(thrown)).toBe(true)
  for (const other of [coded({ code: 'EACCES' }), coded({ errcode: 14 }), new Error('x'), 'ENOSPC', null])
    expect(outOfSpace(other)).toBe(false)
})
