import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { addressFindings } from './address.ts'

test('an address that this machine has lost is a fault that says what to do', () => {
  expect(addressFindings('203.0.113.7:49737')).toEqual([
    { level: 'fault', about: 'Network', words: expect.stringMatching(/^203\.0\.113\.7 is not .* any more.*--bind/) },
  ])
  const own = Object.values(networkInterfaces()).flatMap(list => list?.map(({ address }) => address) ?? [])
  for (const host of ['0.0.0.0', '127.0.0.5', ...own]) expect(addressFindings(`${host}:1`)).toEqual([])
  expect(addressFindings(null)).toEqual([])
})
