import { describe, expect, it } from 'vitest'
import { didYouMean, distance, nearNames } from './near-names.ts'

describe('near names', () => {
  it('counts letters to change', () => {
    expect(distance('', '')).toBe(0)
    expect(distance('kitten', 'sitting')).toBe(3)
    expect(distance('flaw', 'lawn')).toBe(2)
    expect(distance('', 'abc')).toBe(3)
  })

  it('stops counting above the limit', () => {
    expect(distance('abcdef', 'uvwxyz', 2)).toBe(3)
    expect(distance('a', 'abcdef', 2)).toBe(3)
  })

  it('finds the nearest first and nothing that is far', () => {
    const names = ['title', 'topic', 'description', 'tile']
    expect(nearNames('titel', names)).toEqual(['tile', 'title'])
    expect(nearNames('zzzzzzzz', names)).toEqual([])
    expect(nearNames('TITLE', names)[0]).toBe('title')
  })

  it('takes a shortened name for a near one', () => {
    expect(nearNames('desc', ['description', 'topic'])).toEqual(['description'])
  })

  it('asks a question only when there is something to ask', () => {
    expect(didYouMean('titel', ['title'])).toBe(' Did you mean "title"?')
    expect(didYouMean('titel', ['x'])).toBe('')
  })

  it('is cheap on a hostile name', () => {
    const started = performance.now()
    nearNames(
      'a'.repeat(1_000_000),
      Array.from({ length: 100 }, (_, i) => `name-${i}`),
    )
    expect(performance.now() - started).toBeLessThan(500)
  })
})
