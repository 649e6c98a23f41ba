import { expect, test } from 'vitest'
import { near } from './near.ts'

test('a slip is near, another word of the same length is not', () => {
  const known = ['role', 'task', 'status', 'tasks.list']
  for (const [word, meant] of [
    ['tsak', 'task'],
    ['taks', 'task'],
    ['rol', 'role'],
    ['Statsu', 'status'],
    ['stauts', 'status'],
    ['tasks.lst', 'tasks.list'],
  ] as const)
    expect(near(word, known), word).toBe(` Did you mean "${meant}"?`)
  for (const word of ['nope', 'bask-x', 'x', '']) expect(near(word, known), word).toBe('')
})
