import { expect, test } from 'vitest'
import { Scope } from './scope.ts'

test('undoes in reverse, awaiting each', async () => {
  const scope = new Scope()
  const undone: number[] = []
  scope.add('one', () => void undone.push(1))
  scope.add('two', async () => {
    await new Promise(resolve => setImmediate(resolve))
    undone.push(2)
  })
  scope.add('three', () => void undone.push(3))
  expect(await scope.dispose()).toEqual([])
  expect(undone).toEqual([3, 2, 1])
})

test('failures and slow ones are named, the rest is undone', async () => {
  const scope = new Scope(20)
  const undone: string[] = []
  scope.add('first', () => void undone.push('first'))
  scope.add('hanging', () => new Promise(() => undefined))
  scope.add('throwing', () => {
    throw new Error('no')
  })
  expect(await scope.dispose()).toEqual([
    { name: 'throwing', reason: 'no' },
    { name: 'hanging', reason: 'not finished within 20 ms' },
  ])
  expect(undone).toEqual(['first'])
})

test('the signal is aborted when disposal begins, and disposal happens once', async () => {
  const scope = new Scope()
  let undone = 0
  scope.add('one', () => {
    expect(scope.signal.aborted).toBe(true)
    undone += 1
  })
  expect(scope.signal.aborted).toBe(false)
  await Promise.all([scope.dispose(), scope.dispose()])
  expect(undone).toBe(1)
})

test('what is registered too late is undone at once', async () => {
  const scope = new Scope()
  await scope.dispose()
  let undone = false
  scope.add('late', () => {
    undone = true
  })
  await scope.dispose()
  expect(undone).toBe(true)
})
