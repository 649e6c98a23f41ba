import { expect, it } from 'vitest'
import { networkWords } from './commands/status.ts'

it('a network without an answer names who is silent, and says that the daemon comes back by itself', () => {
  const none = { online: true, connections: 0, nodes: 0, address: null }
  expect(networkWords({ ...none, bootstrap: ['10.0.0.1:49737'] })).toBe(
    'the bootstrap 10.0.0.1:49737 does not answer: check that it runs, and the network of this machine. The daemon goes on trying and comes back by itself',
  )
  expect(networkWords({ ...none, bootstrap: null })).toMatch(
    /^no node of the public DHT answers: .* with --bootstrap\. The daemon/,
  )
})
