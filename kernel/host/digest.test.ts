import { expect, test } from 'vitest'
import { definePlugin } from '../plugin.ts'
import type { Rules } from '../rules.ts'
import { rulesDigest } from './digest.ts'

const validate: Rules['validate'] = () => undefined
const base: Rules = { protocol: 1, types: ['a', 'b'], validate }
const digest = (rules?: Rules) =>
  rulesDigest(definePlugin({ name: 'p', version: '1', api: 1, summary: '', ...(rules && { rules }) }))

test('16 hex that depend on the protocol and on every rule function, not on the order of types', () => {
  const digests = [
    digest(base),
    digest({ ...base, protocol: 2 }),
    digest({ ...base, validate: () => 'no' }),
    digest({ ...base, reduce: () => undefined }),
    digest({ ...base, judgesAll: true }),
    digest({ ...base, admits: { x: { verify: () => ({ refuse: 'no' }) } } }),
    digest({ ...base, admits: { y: { verify: () => ({ refuse: 'no' }) } } }),
  ]
  expect(new Set(digests).size).toBe(digests.length)
  for (const d of digests) expect(d).toMatch(/^[0-9a-f]{16}$/)
  expect(digest({ ...base, types: ['b', 'a'] })).toBe(digest(base))
  expect(digest()).toBeNull()
})
