/** What an attempt to join says on a slow link, while the entries up to its seat come in. */
import { expect, it } from 'vitest'
import type { Kernel, Pact } from '../../kernel/index.ts'
import { attempt } from './attempt.ts'
import type { AdmissionKind } from './service.ts'

it('an attempt that was admitted says how far the pact was read', async () => {
  const lengths = [0, 66, 66, 20_005]
  const pact = {
    alias: 'test',
    closed: false,
    removal: async () => null,
    memberByNoise: async () => lengths.length === 0,
    status: async () => ({ interrupted: null, length: lengths.shift() }),
  } as unknown as Pact
  const kernel = { identity: { device: Buffer.alloc(32) } } as unknown as Kernel
  const [token, topic, kind] = [Buffer.alloc(1), Buffer.alloc(32), {} as AdmissionKind]
  const running = attempt({ kernel, kind, token, topic, ticket: 'a', alias: null, started: 0, here: pact })
  const heard: string[] = []
  running.onstatus(({ state, words }) => heard.push(`${state}: ${words}`))
  await running.done
  expect(heard.slice(1)).toEqual([
    'accepted: admitted; waiting for the first entries of the pact',
    'accepted: admitted; reading the pact up to the seat of this machine, 66 entries so far',
    'accepted: admitted; reading the pact up to the seat of this machine, 20005 entries so far',
    'joined: in the pact',
  ])
})
