import { expect, it } from 'vitest'
import { pasteable } from './hints.ts'

it('a command that is named acts on the data directory that was typed', () => {
  const text =
    'Run `openpact start`.\nopenpact: it is `openpact`.\n  TOKEN=x openpact list\nopenpact triggers approve t'
  expect(pasteable(text, {})).toBe(text)
  expect(pasteable(text, { dataDir: '/a' })).toBe(
    'Run `openpact --data-dir /a start`.\nopenpact: it is `openpact`.\n  TOKEN=x openpact --data-dir /a list\n' +
      'openpact --data-dir /a triggers approve t',
  )
  expect(pasteable('`openpact list`', { dataDir: '/a', pact: 'b' })).toBe('`openpact --data-dir /a --pact b list`')
  expect(pasteable('`openpact stop`', { dataDir: "/it's $1 $&" })).toBe("`openpact --data-dir '/it'\\''s $1 $&' stop`")
})
