import { expect, test } from 'vitest'
import { marked, marksOf } from './marks.ts'

const run = '0123456789abcdef'.repeat(2)

test('what is marked is read again, together or alone', () => {
  for (const marks of [{}, { run }, { secret: 'allowed' }, { secret: 'allowed', run }] as const)
    expect(marksOf(marked(marks))).toEqual(marks)
})

test.each([
  ...['', '{', '[]', 'null', '1', '"run"', '\u0000', '{"secret":true,"run":7}', '{"secret":"denied","run":"x"}'],
  ...[`{"run":"${run}0"}`, `{"run":["${run}"]}`, `{"__proto__":{"run":"${run}"}}`],
])('other bytes say nothing: %j', text => {
  expect(marksOf(Buffer.from(text))).toEqual({})
})
